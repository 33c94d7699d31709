import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { isMountPoint, mountOf, mountPoints } from '../../runtime/index.ts'

/**
 * Makes the folder and sees that what is in it is only in memory: where it is not on a tmpfs, one is mounted there. Only
 * root can read it. Doing it again changes nothing; undo with `forgetMemoryFolder`.
 * @throws CommandFailed where mounting is not allowed
 */
export async function makeMemoryFolder(disk: Disk, commands: Commands, folder: string): Promise<void> {
  await disk.makeFolder(folder)
  await disk.chmod(folder, 0o700)
  if (mountOf(await mountPoints(disk), folder).type === 'tmpfs') return
  await commands.run('mount', ['-t', 'tmpfs', '-o', 'mode=0700,nosuid,nodev,noexec', 'tmpfs', folder])
}

/** Removes the folder, and its mount if it has one. Containers that still use what is in it keep it until they end. */
export async function forgetMemoryFolder(disk: Disk, commands: Commands, folder: string): Promise<void> {
  if (await isMountPoint(disk, folder)) await commands.run('umount', ['-l', folder])
  await disk.remove(folder)
}
