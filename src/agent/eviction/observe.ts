import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { PodGroups } from '../cgroup/pod-groups.ts'
import { inTime } from '../in-time.ts'
import { type Filesystems, filesystemsOf } from './filesystems.ts'
import type { Observation } from './pressure.ts'
import type { Signal } from './thresholds.ts'

export interface Observed {
  clock: Clock
  disk: Disk
  runtime: Runtime
  /** Of pods that have control groups of ours. */
  groups: PodGroups | undefined
  /** Of the agent, whose file system is the node's. */
  folder: string
}

/** A runtime that hangs must not keep a node from telling that it runs out of memory. */
export const runtimePatienceMs = 5_000

export interface NodeLook {
  observations: Map<Signal, Observation>
  filesystems: Filesystems
}

/** What the node has left. What cannot be read is left out: nobody is ended for a number that is not known. */
export async function observeNode({ clock, disk, runtime, groups, folder }: Observed): Promise<NodeLook> {
  const out = new Map<Signal, Observation>()
  const text = (path: string) => disk.readText(path).catch(() => '')
  const [meminfo, loadavg, pidMax, images, pods] = await Promise.all([
    text('/proc/meminfo'),
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    inTime(clock, runtimePatienceMs, runtime.imageFilesystem()),
    groups?.memory(),
  ])
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1])
  add(out, 'memory.available', kib('MemAvailable') * 1024, kib('MemTotal') * 1024)
  if (pods) add(out, 'allocatableMemory.available', pods.available, pods.capacity)
  const tasks = Number(/\d+\/(\d+) /.exec(loadavg)?.[1])
  const mostTasks = Number(pidMax.trim() || Number.NaN)
  add(out, 'pid.available', mostTasks - tasks, mostTasks)
  await addFileSystem(out, 'nodefs', disk, folder)
  const filesystems = await filesystemsOf(disk, folder, images)
  // On one file system the node's thresholds speak for the images too.
  if (filesystems.imagesApart) await addFileSystem(out, 'imagefs', disk, images!.path)
  return { observations: out, filesystems }
}

async function addFileSystem(out: Map<Signal, Observation>, name: 'nodefs' | 'imagefs', disk: Disk, path: string) {
  const space = await disk.space(path).catch(() => undefined)
  if (!space) return
  add(out, `${name}.available`, space.freeBytes, space.totalBytes)
  add(out, `${name}.inodesFree`, space.freeInodes, space.totalInodes)
}

function add(out: Map<Signal, Observation>, signal: Signal, available: number, capacity: number): void {
  // Some file systems have no count of inodes.
  if (Number.isFinite(available) && capacity > 0) out.set(signal, { available, capacity })
}
