import type { Disk } from '../../base/disk.ts'
import { type MountedSource, mountOf, mountPoints } from '../../base/mount-points.ts'

/** One file system on a device of the machine. */
export interface DiskUse {
  /** `/dev/vda1` */
  device: string
  usedBytes: number
  /** Of the whole file system. Undefined: not known. */
  totalBytes?: number
  /** Of the whole file system. Undefined: it does not count them. */
  totalInodes?: number
  freeInodes?: number
  /** Of the device, since the machine was started. Undefined: the kernel does not count it. */
  io?: DeviceIo
}

export interface DeviceIo {
  reads: number
  readsMerged: number
  sectorsRead: number
  readSeconds: number
  writes: number
  writesMerged: number
  sectorsWritten: number
  writeSeconds: number
  underWay: number
  busySeconds: number
  /** Each second counts as often as something was under way. */
  waitedSeconds: number
}

/** The devices of a machine and what is mounted from them. */
export interface MachineDisks {
  /** By number: `8:0` is `/dev/sda`. */
  names: ReadonlyMap<string, string>
  /** Each device once, whatever is mounted of it. */
  mounted: readonly DiskUse[]
  /** The device that holds a path. Undefined: not one of the machine's. */
  deviceOf(path: string): DiskUse | undefined
}

export const noDisks: MachineDisks = { names: new Map(), mounted: [], deviceOf: () => undefined }

/** Never rejects: what cannot be read is absent. */
export async function readDisks(disk: Disk | undefined): Promise<MachineDisks> {
  if (!disk) return noDisks
  const [text, points] = await Promise.all([
    disk.readText('/proc/diskstats').catch(() => ''),
    mountPoints(disk).catch(() => []),
  ])
  const counted = new Map(text.split('\n').flatMap(ioOf))
  const first = new Map<string, MountedSource>()
  for (const point of points)
    if (point.source.startsWith('/dev/') && !first.has(point.source)) first.set(point.source, point)
  const uses = await Promise.all([...first.values()].map(point => useOf(disk, point, counted.get(point.device)?.io)))
  const mounted = uses.flatMap(use => use ?? [])
  return {
    names: new Map([...counted].map(([number, { name }]) => [number, `/dev/${name}`])),
    mounted,
    deviceOf(path) {
      const mount = mountOf(points, path)
      return 'source' in mount ? mounted.find(({ device }) => device === mount.source) : undefined
    },
  }
}

async function useOf(
  disk: Disk,
  { path, source }: MountedSource,
  io: DeviceIo | undefined,
): Promise<DiskUse | undefined> {
  const space = await disk.space(path).catch(() => undefined)
  if (!space) return undefined
  const { totalBytes, freeBytes, totalInodes, freeInodes } = space
  return {
    device: source,
    ...{ usedBytes: totalBytes - freeBytes, totalBytes },
    ...(totalInodes ? { totalInodes, freeInodes } : {}),
    ...(io ? { io } : {}),
  }
}

/** One line of /proc/diskstats: three columns that name the device, then its counters; times are in milliseconds. */
function ioOf(line: string): [number: string, { name: string; io: DeviceIo }][] {
  const [major, minor, name, ...counters] = line.trim().split(/\s+/)
  if (!name) return []
  const at = (i: number) => Number(counters[i] ?? 0)
  const seconds = (i: number) => at(i) / 1000
  const io: DeviceIo = {
    ...{ reads: at(0), readsMerged: at(1), sectorsRead: at(2), readSeconds: seconds(3) },
    ...{ writes: at(4), writesMerged: at(5), sectorsWritten: at(6), writeSeconds: seconds(7) },
    ...{ underWay: at(8), busySeconds: seconds(9), waitedSeconds: seconds(10) },
  }
  return [[`${major}:${minor}`, { name, io }]]
}
