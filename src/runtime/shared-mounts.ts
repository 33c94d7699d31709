import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { isMountPoint, mountOf, mountPoints } from '../base/mount-points.ts'

export { isMountPoint, mountOf, mountPoints }

/**
 * Mount propagation (HostToContainer, Bidirectional) works only below shared mounts; systemd makes `/` shared, other inits
 * leave it private. Binds `folder` onto itself and shares it when it is not shared already.
 * @returns false when it was shared before; undo with `unshareFolder`
 */
export async function shareFolder(disk: Disk, commands: Commands, folder: string): Promise<boolean> {
  await disk.makeFolder(folder)
  if (mountOf(await mountPoints(disk), folder).shared) return false
  await commands.run('mount', ['--bind', folder, folder])
  await commands.run('mount', ['--make-rshared', folder])
  return true
}

/** Takes back what `shareFolder` did, if it did. */
export async function unshareFolder(disk: Disk, commands: Commands, folder: string): Promise<void> {
  if (await isMountPoint(disk, folder)) await commands.run('umount', [folder])
}

/** What to tell a person whose `/` is private; undefined when it is shared. */
export async function sharedRootAdvice(disk: Disk): Promise<string | undefined> {
  if (mountOf(await mountPoints(disk), '/').shared) return undefined
  return "/ is a private mount: hostPath volumes outside OptiFlow's own folders cannot have mountPropagation. Run `mount --make-rshared /` to allow it."
}
