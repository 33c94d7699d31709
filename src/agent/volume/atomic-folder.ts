import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'

export interface VolumeFile {
  data: Uint8Array
  /** Permission bits. */
  mode: number
  /** Owner, where it is not root. */
  uid?: number
}

/**
 * Replaces the files of a folder all at once: each name is a link to `..data/name`, and `..data` is a link that is
 * swapped in one rename. A reader that follows the links sees the old set or the new one, never a mixture.
 * @param files by path relative to `folder`, sub-folders allowed
 * @returns whether anything changed
 */
export async function writeAtomicFolder(
  disk: Disk,
  random: Random,
  folder: string,
  files: ReadonlyMap<string, VolumeFile>,
  groupId?: number,
): Promise<boolean> {
  for (const path of files.keys()) checkPath(path)
  const current = await linkTarget(disk, join(folder, '..data'))
  if (current && (await isSame(disk, join(folder, current), files, groupId))) return false

  const version = `..${Buffer.from(random.bytes(8)).toString('hex')}`
  const fresh = join(folder, version)
  await disk.makeFolder(fresh, { mode: 0o755 })
  await own(disk, fresh, groupId, 0o755)
  for (const [path, file] of files) {
    const target = join(fresh, path)
    const parts = path.split('/')
    for (let i = 1; i < parts.length; i++) {
      const parent = join(fresh, ...parts.slice(0, i))
      await disk.makeFolder(parent)
      await own(disk, parent, groupId, 0o755)
    }
    const opened = await disk.open(target, 'w')
    try {
      await opened.write(file.data)
    } finally {
      await opened.close()
    }
    await disk.chmod(target, modeOf(file, groupId))
    if (groupId !== undefined || file.uid !== undefined) await disk.chown(target, file.uid ?? 0, groupId ?? 0)
  }

  const swap = join(folder, '..data_tmp')
  await disk.remove(swap)
  await disk.symlink(version, swap)
  await disk.rename(swap, join(folder, '..data'))

  const names = new Set([...files.keys()].map(path => path.split('/')[0]!))
  for (const entry of await disk.list(folder)) {
    const stale = entry.name.startsWith('..')
      ? entry.name !== '..data' && entry.name !== version
      : !names.has(entry.name)
    if (stale) await disk.remove(join(folder, entry.name))
  }
  for (const name of names)
    if (!(await linkTarget(disk, join(folder, name)))) await disk.symlink(join('..data', name), join(folder, name))
  return true
}

/** With an fsGroup the group may read what the owner may. */
function modeOf(file: VolumeFile, groupId: number | undefined): number {
  return groupId === undefined ? file.mode : file.mode | 0o440
}

async function own(disk: Disk, folder: string, groupId: number | undefined, mode: number): Promise<void> {
  if (groupId === undefined) return
  await disk.chown(folder, 0, groupId)
  await disk.chmod(folder, mode | 0o2050)
}

async function isSame(
  disk: Disk,
  folder: string,
  files: ReadonlyMap<string, VolumeFile>,
  groupId: number | undefined,
): Promise<boolean> {
  // A link that leads nowhere was left by somebody who was cut off: written anew it is whole.
  if (!(await disk.exists(folder))) return false
  const there = await filesBelow(disk, folder, '')
  if (there.length !== files.size) return false
  for (const path of there) {
    const file = files.get(path)
    if (!file) return false
    const stat = await disk.stat(join(folder, path))
    if ((stat.mode & 0o777) !== modeOf(file, groupId) || stat.size !== file.data.length) return false
    if (!Buffer.from(file.data).equals(await disk.read(join(folder, path)))) return false
  }
  return true
}

async function filesBelow(disk: Disk, folder: string, prefix: string): Promise<string[]> {
  const out: string[] = []
  for (const entry of await disk.list(join(folder, prefix))) {
    const path = prefix ? `${prefix}/${entry.name}` : entry.name
    if (entry.isDirectory()) out.push(...(await filesBelow(disk, folder, path)))
    else out.push(path)
  }
  return out
}

async function linkTarget(disk: Disk, path: string): Promise<string | undefined> {
  try {
    return await disk.readlink(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EINVAL') return undefined
    throw error
  }
}

/** A path from a user's object must stay inside the folder. */
function checkPath(path: string): void {
  const parts = path.split('/')
  if (path.startsWith('/') || parts.some(part => part === '..' || part === '') || parts[0]!.startsWith('..'))
    throw new Error(`the file path "${path}" must be relative and must not contain or start with ".."`)
}
