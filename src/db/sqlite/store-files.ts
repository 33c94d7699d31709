import { dirname } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { StoreFailed } from '../store.ts'

/** Makes folder and file readable by the owner only; SQLite gives the same mode to the files beside it. */
export async function prepareFile(path: string, disk: Disk): Promise<void> {
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
