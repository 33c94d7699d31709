import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'

/** `OnRootMismatch`: nothing is done when the top folder is right already. */
export type ChangePolicy = 'Always' | 'OnRootMismatch' | undefined

const sharedBits = 0o660
const folderBits = 0o2110

/**
 * Gives all that is in a volume to the pod's fsGroup: its group may read and write, and what comes new belongs to it too.
 * Links are left as they are: what they lead to may lie elsewhere.
 */
export async function giveToGroup(disk: Disk, root: string, group: number, policy: ChangePolicy): Promise<void> {
  if (policy === 'OnRootMismatch') {
    const { gid, mode } = await disk.stat(root)
    if (gid === group && (mode & 0o2770) === 0o2770) return
  }
  await giveOne(disk, root, group)
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const entry of await disk.list(folder)) {
      const path = join(folder, entry.name)
      if (entry.isSymbolicLink()) continue
      await giveOne(disk, path, group)
      if (entry.isDirectory()) folders.push(path)
    }
}

async function giveOne(disk: Disk, path: string, group: number): Promise<void> {
  const stat = await disk.stat(path)
  await disk.chown(path, stat.uid, group)
  await disk.chmod(path, (stat.mode & 0o7777) | sharedBits | (stat.isDirectory() ? folderBits : 0))
}
