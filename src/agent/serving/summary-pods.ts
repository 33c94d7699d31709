import { join } from 'node:path'
import { timeText } from '../../base/clock.ts'
import { quantityToFloat } from '../../base/quantity.ts'
import type { Pod } from '../../models/kinds/core/pod.ts'
import type { PodUsage } from '../../runtime/runtime.ts'
import type { GroupCounters } from '../cgroup/group-counters.ts'
import { findContainer } from '../pod/records.ts'
import type { CpuCounter } from './cpu-rates.ts'
import { foldersOf } from './local-storage.ts'
import type { ServedNode } from './served-node.ts'
import { cpuStats, fsStats, type Looked, swapStats } from './summary-parts.ts'
import { volumeStats } from './volume-uses.ts'

const nothing: GroupCounters = { io: [] }

type ContainerUsage = PodUsage['containers'][number]

/** What was seen of one pod. Its own counters hold the sandbox too; without a group of its own they are its containers' sums. */
export interface PodLook extends CpuCounter {
  pod: Pod
  usage: PodUsage
  workingSetBytes: number
  counters: GroupCounters
  /** By container id. */
  ofContainers: ReadonlyMap<string, GroupCounters>
  /** Undefined: not known. */
  processes: number | undefined
}

export async function lookAtPod(node: ServedNode, pod: Pod, usage: PodUsage): Promise<PodLook> {
  const groups = node.groups()
  const group = await groups?.groupOf(usage.uid)
  const read = async (path: string): Promise<GroupCounters> => (await groups?.counters(path)) ?? nothing
  const [counters, processes, ...each] = await Promise.all([
    group === undefined ? nothing : read(group),
    group === undefined ? undefined : groups?.processes(usage.uid),
    ...usage.containers.map(
      async ({ id }) => [id, group === undefined ? nothing : await read(join(group, id))] as const,
    ),
  ])
  const sum = (pick: (c: ContainerUsage) => number) => usage.containers.reduce((total, c) => total + pick(c), 0)
  const { cpuSeconds, workingSetBytes } = counters
  return {
    id: usage.uid,
    atMs: node.clock.now(),
    cpuNanoseconds: cpuSeconds === undefined ? sum(c => c.cpuNanoseconds) : Math.round(cpuSeconds * 1e9),
    workingSetBytes: workingSetBytes ?? sum(c => c.memoryWorkingSetBytes),
    processes: processes?.length,
    ...{ pod, usage, counters, ofContainers: new Map(each) },
  }
}

/** PodStats. */
export function podStats(node: ServedNode, look: PodLook, looked: Looked): object {
  const { pod, usage, counters } = look
  const { name, namespace } = pod.metadata
  const { time, nanoCores } = looked
  const { swapBytes } = counters
  return {
    podRef: { name, namespace, uid: usage.uid },
    startTime: pod.status?.startTime ?? time,
    containers: usage.containers.map(one => containerStats(node, look, one, looked)),
    cpu: cpuStats(time, nanoCores.get(look.id) ?? 0, look.cpuNanoseconds),
    memory: { time, workingSetBytes: look.workingSetBytes, ...moreMemory(counters) },
    ...swapStats(time, swapBytes),
    ...(usage.network
      ? { network: { time, name: 'eth0', rxBytes: usage.network.rxBytes, txBytes: usage.network.txBytes } }
      : {}),
    volume: [...volumeStats(namespace!, looked.claims.get(usage.uid) ?? [], time), ...emptyDirStats(node, pod, looked)],
    'ephemeral-storage': fsStats(time, looked.disk, localUse(node, look, looked)),
    ...(look.processes === undefined ? {} : { process_stats: { process_count: look.processes } }),
  }
}

function containerStats(node: ServedNode, look: PodLook, one: ContainerUsage, looked: Looked): object {
  const { pod, ofContainers } = look
  const at = timeText(one.atMs)
  const counters = ofContainers.get(one.id)
  const observed = node.observed(pod.metadata.uid!)?.containers.find(({ id }) => id === one.id)
  const logs = looked.folders.get(foldersOf(node, pod).logs.get(one.name) ?? '')
  const layer = { usedBytes: one.filesystemUsedBytes ?? 0, inodesUsed: one.filesystemUsedInodes ?? 0 }
  return {
    name: one.name,
    startTime: timeText(observed?.startedAtMs ?? one.atMs),
    cpu: cpuStats(at, looked.nanoCores.get(one.id) ?? 0, one.cpuNanoseconds),
    memory: {
      time: at,
      ...leftOf(pod, one),
      workingSetBytes: one.memoryWorkingSetBytes,
      ...moreMemory(counters),
      usageBytes: one.memoryUsageBytes ?? one.memoryWorkingSetBytes,
      rssBytes: one.memoryRssBytes ?? counters?.rssBytes ?? one.memoryWorkingSetBytes,
    },
    ...swapStats(at, counters?.swapBytes),
    ...(one.filesystemUsedBytes === undefined ? {} : { rootfs: fsStats(at, looked.layers, layer) }),
    ...(logs ? { logs: fsStats(looked.time, looked.disk, logs) } : {}),
  }
}

/** Of the limit that the container has. */
function leftOf(pod: Pod, { name, memoryWorkingSetBytes }: ContainerUsage): object {
  const container = findContainer(pod as never, name)
  const limit = container && 'resources' in container ? container.resources?.limits?.['memory'] : undefined
  return limit === undefined ? {} : { availableBytes: Math.max(quantityToFloat(limit) - memoryWorkingSetBytes, 0) }
}

const moreMemory = ({ memoryBytes, rssBytes, pageFaults, majorPageFaults }: Partial<GroupCounters> = {}): object => ({
  ...(memoryBytes === undefined ? {} : { usageBytes: memoryBytes }),
  ...(rssBytes === undefined ? {} : { rssBytes }),
  ...(pageFaults === undefined ? {} : { pageFaults }),
  ...(majorPageFaults === undefined ? {} : { majorPageFaults }),
})

function emptyDirStats(node: ServedNode, pod: Pod, { time, folders, disk }: Looked): object[] {
  return [...foldersOf(node, pod).emptyDirs].flatMap(([name, path]) => {
    const use = folders.get(path)
    return use ? [{ ...fsStats(time, disk, use), name }] : []
  })
}

/** Writable layers, logs and emptyDirs together. */
function localUse(node: ServedNode, { pod, usage }: PodLook, { folders }: Looked) {
  const { logs, emptyDirs } = foldersOf(node, pod)
  const use = { usedBytes: 0, inodesUsed: 0 }
  for (const { filesystemUsedBytes = 0, filesystemUsedInodes = 0 } of usage.containers) {
    use.usedBytes += filesystemUsedBytes
    use.inodesUsed += filesystemUsedInodes
  }
  for (const path of [...logs.values(), ...emptyDirs.values()]) {
    use.usedBytes += folders.get(path)?.usedBytes ?? 0
    use.inodesUsed += folders.get(path)?.inodesUsed ?? 0
  }
  return use
}
