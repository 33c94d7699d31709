import type { IoCounters } from '../cgroup/group-counters.ts'
import { counter, type Figure, gauge, type Labelled, type Shown } from './figure.ts'
import type { DeviceIo, DiskUse } from './machine-disks.ts'

/** What went between a group's processes and each device; for the machine, of devices that its own group does not count. */
const io = (name: string, help: string, pick: (io: IoCounters) => number, whole?: (io: DeviceIo) => number) =>
  counter(name, help, ({ counters, devices, disks = [] }) => {
    const counted = counters.io.map(one => ({ device: devices.get(one.device) ?? one.device, value: pick(one) }))
    const more = disks.flatMap(({ device, io }) =>
      whole && io && !counted.some(one => one.device === device) ? [{ device, value: whole(io) }] : [],
    )
    return [...counted, ...more].map(({ device, value }) => ({ labels: `device="${device}"`, value }))
  })

const ofDisks = (pick: (disk: DiskUse) => number | undefined) =>
  function of({ disks = [] }: Shown): Labelled[] {
    return disks.map(disk => ({ labels: `device="${disk.device}"`, value: pick(disk) }))
  }

const device = (name: string, help: string, pick: (io: DeviceIo) => number, kind = counter) =>
  kind(
    name,
    help,
    ofDisks(({ io }) => io && pick(io)),
  )

/** Under the names of cAdvisor: file systems and the devices below them. */
export const diskFigures: readonly Figure[] = [
  counter('container_blkio_device_usage_total', 'Bytes read from and written to a device', ({ counters, devices }) =>
    counters.io.flatMap(({ device, readBytes, writtenBytes }) => {
      const [major, minor] = device.split(':')
      const labels = `device="${devices.get(device) ?? device}",major="${major}",minor="${minor}"`
      return [
        { labels: `${labels},operation="Read"`, value: readBytes },
        { labels: `${labels},operation="Write"`, value: writtenBytes },
      ]
    }),
  ),
  gauge(
    'container_fs_inodes_free',
    'Inodes that are free in the file system',
    ofDisks(disk => disk.freeInodes),
  ),
  gauge(
    'container_fs_inodes_total',
    'Inodes of the file system',
    ofDisks(disk => disk.totalInodes),
  ),
  device('container_fs_io_current', 'Reads and writes under way', one => one.underWay, gauge),
  device('container_fs_io_time_seconds_total', 'How long anything was under way', one => one.busySeconds),
  device(
    'container_fs_io_time_weighted_seconds_total',
    'How long things were under way, each counted',
    one => one.waitedSeconds,
  ),
  gauge(
    'container_fs_limit_bytes',
    'Size of the file system in bytes',
    ofDisks(disk => disk.totalBytes),
  ),
  device('container_fs_read_seconds_total', 'How long reads took', one => one.readSeconds),
  io('container_fs_reads_bytes_total', 'Bytes read from a device', one => one.readBytes),
  device('container_fs_reads_merged_total', 'Reads that became part of others', one => one.readsMerged),
  io(
    'container_fs_reads_total',
    'Reads from a device',
    one => one.reads,
    one => one.reads,
  ),
  device('container_fs_sector_reads_total', 'Sectors of 512 bytes read', one => one.sectorsRead),
  device('container_fs_sector_writes_total', 'Sectors of 512 bytes written', one => one.sectorsWritten),
  gauge(
    'container_fs_usage_bytes',
    'Bytes in use: of the machine the file system, of a container its writable layer',
    ofDisks(disk => disk.usedBytes),
  ),
  device('container_fs_write_seconds_total', 'How long writes took', one => one.writeSeconds),
  io('container_fs_writes_bytes_total', 'Bytes written to a device', one => one.writtenBytes),
  device('container_fs_writes_merged_total', 'Writes that became part of others', one => one.writesMerged),
  io(
    'container_fs_writes_total',
    'Writes to a device',
    one => one.writes,
    one => one.writes,
  ),
]
