import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'

/** One line of /proc/self/mountinfo. */
export interface MountPoint {
  path: string
  /** `ext4`, `overlay`, … */
  type: string
  /** What is mounted there is seen in the mounts that are bound from it. */
  shared: boolean
}

export async function mountPoints(disk: Disk): Promise<MountPoint[]> {
  const points: MountPoint[] = []
  for (const line of (await disk.readText('/proc/self/mountinfo')).split('\n')) {
    const fields = line.split(' ')
    const dash = fields.indexOf('-')
    if (dash < 0) continue
    points.push({
      path: fields[4]!.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
      type: fields[dash + 1]!,
      shared: fields.slice(6, dash).some(field => field.startsWith('shared:')),
    })
  }
  return points
}

/** The mount that holds `path`: the longest one that is its beginning, the last if mounted over each other. */
export function mountOf(points: readonly MountPoint[], path: string): MountPoint {
  let best: MountPoint = { path: '/', type: '', shared: false }
  for (const point of points)
    if (
      (path === point.path || point.path === '/' || path.startsWith(`${point.path}/`)) &&
      point.path.length >= best.path.length
    )
      best = point
  return best
}

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
  if ((await mountPoints(disk)).some(point => point.path === folder)) await commands.run('umount', [folder])
}

/** What to tell a person whose `/` is private; undefined when it is shared. */
export async function sharedRootAdvice(disk: Disk): Promise<string | undefined> {
  if (mountOf(await mountPoints(disk), '/').shared) return undefined
  return "/ is a private mount: hostPath volumes outside OptiFlow's own folders cannot have mountPropagation. Run `mount --make-rshared /` to allow it."
}
