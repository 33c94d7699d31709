import type { Disk } from './disk.ts'

/** One line of /proc/self/mountinfo. */
export interface MountPoint {
  path: string
  /** `ext4`, `overlay`, … */
  type: string
  /** What is mounted there is seen in the mounts that are bound from it. */
  shared: boolean
}

export interface MountedSource extends MountPoint {
  /** `8:1` */
  device: string
  /** `/dev/sda1`, or any word. */
  source: string
}

/** @param folder only what is mounted there or below it, which is cheaper than all */
export async function mountPoints(disk: Disk, folder?: string): Promise<MountedSource[]> {
  const points = parse(await disk.readText('/proc/self/mountinfo'), folder)
  return folder === undefined ? points : points.filter(({ path }) => path === folder || path.startsWith(`${folder}/`))
}

/** Whether something is mounted at just this path. */
export async function isMountPoint(disk: Disk, path: string): Promise<boolean> {
  return (await mountPoints(disk, path)).some(point => point.path === path)
}

/** @param mentioned lines without this text may be left out */
function parse(text: string, mentioned: string | undefined): MountedSource[] {
  // Blanks and some other characters are written as octal numbers there.
  const word = mentioned && /^[\w./-]+$/.test(mentioned) ? mentioned : ''
  const points: MountedSource[] = []
  for (const line of text.split('\n')) {
    if (!line.includes(word)) continue
    const fields = line.split(' ')
    const dash = fields.indexOf('-')
    if (dash < 0) continue
    points.push({
      path: plain(fields[4]!),
      type: fields[dash + 1]!,
      device: fields[2]!,
      source: plain(fields[dash + 2] ?? ''),
      shared: fields.slice(6, dash).some(field => field.startsWith('shared:')),
    })
  }
  return points
}

const plain = (text: string) => text.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))

/** The mount that holds `path`: the longest one that is its beginning, the last if mounted over each other. */
export function mountOf<Point extends MountPoint>(points: readonly Point[], path: string): Point | MountPoint {
  let best: Point | MountPoint = { path: '/', type: '', shared: false }
  for (const point of points)
    if (
      (path === point.path || point.path === '/' || path.startsWith(`${point.path}/`)) &&
      point.path.length >= best.path.length
    )
      best = point
  return best
}
