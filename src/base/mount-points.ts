import type { Disk } from './disk.ts'

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
