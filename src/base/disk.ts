import { constants, type Dirent, readFileSync, type Stats } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'

/** The disk comes in through here. Paths are absolute. Errors are Node's (`code` ENOENT, ENOSPC, …). */
export interface Disk {
  read(path: string): Promise<Buffer>
  readText(path: string): Promise<string>
  /** Replaces the file as a whole or not at all (temporary file, fsync, rename); makes missing folders. */
  write(path: string, data: string | Uint8Array, options?: { mode?: number }): Promise<void>
  /** Opens for reading at offsets; close it. */
  open(path: string, flags?: 'r' | 'r+' | 'a' | 'w'): Promise<OpenFile>
  makeFolder(path: string, options?: { mode?: number }): Promise<void>
  list(path: string): Promise<Dirent[]>
  stat(path: string): Promise<Stats>
  lstat(path: string): Promise<Stats>
  exists(path: string): Promise<boolean>
  rename(from: string, to: string): Promise<void>
  symlink(target: string, path: string): Promise<void>
  readlink(path: string): Promise<string>
  chmod(path: string, mode: number): Promise<void>
  chown(path: string, uid: number, gid: number): Promise<void>
  /** Removes a file or a whole folder; nothing there is fine. */
  remove(path: string): Promise<void>
  /** Removes a folder that is empty. False if it is not there, has something in it, or is a mount. */
  removeEmpty(path: string): Promise<boolean>
  /** Size and free bytes of the file system that holds `path`. */
  space(path: string): Promise<{ totalBytes: number; freeBytes: number; totalInodes: number; freeInodes: number }>
  /** Calls back whenever something in the folder (not below it) changes, until aborted. */
  watch(path: string, onChange: (name: string | null) => void, signal: AbortSignal): Promise<void>
}

export interface OpenFile {
  /** The process's number for it, where there is one: `/proc/self/fd/N` is this very file, wherever its name points by now. */
  descriptor?: number
  read(buffer: Uint8Array, position: number): Promise<number>
  write(data: Uint8Array | string): Promise<void>
  size(): Promise<number>
  inode(): Promise<number>
  sync(): Promise<void>
  close(): Promise<void>
}

let temporary = 0

/** What goes wrong with an open file, such as a full disk, is told by Node without a name. */
function withPath(error: unknown, path: string): unknown {
  const { code, path: known } = error as NodeJS.ErrnoException
  return error instanceof Error && code && !known
    ? Object.assign(error, { path, message: `${error.message} '${path}'` })
    : error
}

/** Not Node's own recursive mkdir: below /proc and its like that one tries for ever. */
async function makeFolder(path: string, mode: number): Promise<void> {
  const make = () =>
    fs.mkdir(path, { mode }).catch(async error => {
      if (error.code !== 'EEXIST' || !(await fs.stat(path)).isDirectory()) throw error
    })
  try {
    await make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path), mode)
    await make()
  }
}

/** What the kernel tells never waits for a disk: by way of other threads it would cost four turns of theirs and 64 KB a file. */
const isOfKernel = (path: string): boolean => path.startsWith('/proc/') || path.startsWith('/sys/')

export const systemDisk: Disk = {
  read: path => fs.readFile(path),
  readText: async path => (isOfKernel(path) ? readFileSync(path, 'utf8') : fs.readFile(path, 'utf8')),
  async write(path, data, options = {}) {
    const scratch = `${path}.${process.pid}.${temporary++}.tmp`
    await makeFolder(dirname(path), 0o755)
    try {
      const file = await fs.open(scratch, 'w', options.mode ?? 0o644)
      try {
        await file.writeFile(data)
        if (options.mode !== undefined) await file.chmod(options.mode)
        await file.sync()
      } finally {
        await file.close()
      }
      await fs.rename(scratch, path)
    } catch (error) {
      await fs.rm(scratch, { force: true })
      throw withPath(error, path)
    }
  },
  async open(path, flags = 'r') {
    const file = await fs.open(path, flags)
    return {
      descriptor: file.fd,
      async read(buffer, position) {
        return (await file.read(buffer, 0, buffer.length, position)).bytesRead
      },
      write: data =>
        file.writeFile(data).catch(error => {
          throw withPath(error, path)
        }),
      size: async () => (await file.stat()).size,
      inode: async () => (await file.stat()).ino,
      sync: () => file.sync(),
      close: () => file.close(),
    }
  },
  makeFolder: (path, options = {}) => makeFolder(path, options.mode ?? 0o755),
  list: path => fs.readdir(path, { withFileTypes: true }),
  stat: path => fs.stat(path),
  lstat: path => fs.lstat(path),
  exists: path =>
    fs.access(path, constants.F_OK).then(
      () => true,
      () => false,
    ),
  rename: (from, to) => fs.rename(from, to),
  symlink: (target, path) => fs.symlink(target, path),
  readlink: path => fs.readlink(path),
  chmod: (path, mode) => fs.chmod(path, mode),
  chown: (path, uid, gid) => fs.chown(path, uid, gid),
  remove: path => fs.rm(path, { recursive: true, force: true }),
  removeEmpty: path =>
    fs.rmdir(path).then(
      () => true,
      error => {
        if (/^(ENOENT|ENOTEMPTY|EBUSY|EEXIST|ENOTDIR)$/.test(error.code)) return false
        throw error
      },
    ),
  async space(path) {
    const s = await fs.statfs(path)
    return {
      totalBytes: s.blocks * s.bsize,
      freeBytes: s.bavail * s.bsize,
      totalInodes: s.files,
      freeInodes: s.ffree,
    }
  },
  async watch(path, onChange, signal) {
    try {
      for await (const event of fs.watch(path, { signal })) onChange(event.filename)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
}
