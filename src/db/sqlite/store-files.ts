import { dirname } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { StoreFailed, StoreGone } from '../store.ts'

/**
 * Makes folder and file readable by the owner only; SQLite gives the same mode to the files beside it.
 * @throws StoreGone when there was one
 */
export async function prepareFile(path: string, disk: Disk): Promise<void> {
  if ((await disk.exists(madePath(path))) && (await isGone(path, disk))) throw new StoreGone(path, madePath(path))
  try {
    await disk.makeFolder(dirname(path), { mode: 0o700 })
    if (!(await disk.exists(path))) await disk.write(path, '', { mode: 0o600 })
  } catch (cause) {
    throw new StoreFailed(`the store ${path} cannot be made`, {
      cause,
      hint: `Give the user of this process the right to write ${dirname(path)}, or name another data folder.`,
    })
  }
}

/** There since the store was opened for the first time: whoever finds it and no store has lost one. */
export function madePath(path: string): string {
  return `${path}.made`
}

/** A file without a byte is one whose changes are all in its write-ahead log, or one that is lost. */
async function isGone(path: string, disk: Disk): Promise<boolean> {
  const size = async (of: string) => ((await disk.exists(of)) ? (await disk.stat(of)).size : undefined)
  const bytes = await size(path)
  return bytes === undefined || (bytes === 0 && !(await size(`${path}-wal`)))
}

/** Holds the number of the process that has the store open, for the error message of the next one who tries. */
export function pidPath(path: string): string {
  return `${path}.pid`
}

export async function readPid(path: string, disk: Disk): Promise<string | undefined> {
  try {
    return (await disk.readText(pidPath(path))).trim()
  } catch {
    return undefined
  }
}
