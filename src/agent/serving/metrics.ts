import type { Pod } from '../../models/kinds/core/pod.ts'
import type { PodUsage } from '../../runtime/runtime.ts'
import type { ServedNode } from './served-node.ts'
import { family } from './text-form.ts'
import { type VolumeUses, volumeStats } from './volume-uses.ts'

/** Cores in use, from two looks at the counters. */
export class CpuRates {
  readonly #last = new Map<string, { nanoseconds: number; atMs: number; nanoCores: number }>()

  /** Takes in fresh counters. @returns billionths of a core by container id */
  take(usages: readonly PodUsage[]): ReadonlyMap<string, number> {
    const rates = new Map<string, number>()
    const seen = new Set<string>()
    for (const pod of usages)
      for (const { id, cpuNanoseconds, atMs } of pod.containers) {
        seen.add(id)
        const before = this.#last.get(id)
        const elapsedMs = before ? atMs - before.atMs : 0
        const nanoCores =
          before && elapsedMs > 0
            ? Math.max(Math.round(((cpuNanoseconds - before.nanoseconds) / elapsedMs) * 1000), 0)
            : (before?.nanoCores ?? 0)
        rates.set(id, nanoCores)
        if (!before || elapsedMs > 1_000) this.#last.set(id, { nanoseconds: cpuNanoseconds, atMs, nanoCores })
      }
    for (const id of this.#last.keys()) if (!seen.has(id)) this.#last.delete(id)
    return rates
  }
}

const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** The body of /stats/summary. @see https://kubernetes.io/docs/reference/instrumentation/node-metrics/ */
export async function summary(node: ServedNode, rates: CpuRates, volumes: VolumeUses): Promise<object> {
  const [usages, uses] = await Promise.all([node.runtime.stats(), volumes.take()])
  const cores = rates.take(usages)
  const now = time(node.clock.now())
  const pods = new Map(node.pods().map(pod => [pod.metadata.uid!, pod]))
  let nodeCpu = 0
  let nodeNanoseconds = 0
  let nodeMemory = 0
  const podStats = usages.flatMap(usage => {
    const pod = pods.get(usage.uid)
    if (!pod) return []
    const containers = usage.containers.map(c => {
      const rate = cores.get(c.id) ?? 0
      nodeCpu += rate
      nodeNanoseconds += c.cpuNanoseconds
      nodeMemory += c.memoryWorkingSetBytes
      const at = time(c.atMs)
      return {
        name: c.name,
        startTime: at,
        cpu: { time: at, usageNanoCores: rate, usageCoreNanoSeconds: c.cpuNanoseconds },
        memory: {
          time: at,
          workingSetBytes: c.memoryWorkingSetBytes,
          usageBytes: c.memoryUsageBytes ?? c.memoryWorkingSetBytes,
          rssBytes: c.memoryRssBytes ?? c.memoryWorkingSetBytes,
        },
        ...(c.filesystemUsedBytes === undefined
          ? {}
          : { rootfs: { time: at, usedBytes: c.filesystemUsedBytes, inodesUsed: c.filesystemUsedInodes ?? 0 } }),
      }
    })
    const sum = (pick: (c: PodUsage['containers'][number]) => number) =>
      usage.containers.reduce((total, c) => total + pick(c), 0)
    return [
      {
        podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: usage.uid },
        startTime: pod.status?.startTime ?? now,
        containers,
        cpu: {
          time: now,
          usageNanoCores: sum(c => cores.get(c.id) ?? 0),
          usageCoreNanoSeconds: sum(c => c.cpuNanoseconds),
        },
        memory: { time: now, workingSetBytes: sum(c => c.memoryWorkingSetBytes) },
        ...(usage.network
          ? { network: { time: now, name: 'eth0', rxBytes: usage.network.rxBytes, txBytes: usage.network.txBytes } }
          : {}),
        volume: volumeStats(pod.metadata.namespace!, uses.get(usage.uid) ?? [], now),
      },
    ]
  })
  return {
    node: {
      nodeName: node.nodeName,
      startTime: time(node.startedAtMs),
      cpu: { time: now, usageNanoCores: nodeCpu, usageCoreNanoSeconds: nodeNanoseconds },
      memory: { time: now, workingSetBytes: nodeMemory },
    },
    pods: podStats,
  }
}

/** The body of /metrics/resource, in Prometheus' text form: what metrics-server reads. */
export async function resourceMetrics(node: ServedNode): Promise<string> {
  const usages = await node.runtime.stats()
  const pods = new Map(node.pods().map(pod => [pod.metadata.uid!, pod]))
  const cpu: string[] = []
  const memory: string[] = []
  const podCpu: string[] = []
  const podMemory: string[] = []
  const starts: string[] = []
  let allCpu = 0
  let allMemory = 0
  for (const { uid, containers } of usages) {
    const pod = pods.get(uid)
    if (!pod) continue
    let podNanoseconds = 0
    let podBytes = 0
    for (const c of containers) {
      const labels = `container="${c.name}",${podLabels(pod)}`
      cpu.push(`container_cpu_usage_seconds_total{${labels}} ${c.cpuNanoseconds / 1e9} ${Math.round(c.atMs)}`)
      memory.push(`container_memory_working_set_bytes{${labels}} ${c.memoryWorkingSetBytes} ${Math.round(c.atMs)}`)
      const observed = node.observed(uid)?.containers.find(o => o.id === c.id)
      if (observed?.startedAtMs) starts.push(`container_start_time_seconds{${labels}} ${observed.startedAtMs / 1000}`)
      podNanoseconds += c.cpuNanoseconds
      podBytes += c.memoryWorkingSetBytes
    }
    podCpu.push(`pod_cpu_usage_seconds_total{${podLabels(pod)}} ${podNanoseconds / 1e9}`)
    podMemory.push(`pod_memory_working_set_bytes{${podLabels(pod)}} ${podBytes}`)
    allCpu += podNanoseconds
    allMemory += podBytes
  }
  return `${[
    ...family('container_cpu_usage_seconds_total', 'counter', 'CPU time used by the container in core-seconds', cpu),
    ...family('container_memory_working_set_bytes', 'gauge', 'Working set of the container in bytes', memory),
    ...family('container_start_time_seconds', 'gauge', 'Start of the container since 1970 in seconds', starts),
    ...family('node_cpu_usage_seconds_total', 'counter', 'CPU time used by all pods in core-seconds', [
      `node_cpu_usage_seconds_total ${allCpu / 1e9}`,
    ]),
    ...family('node_memory_working_set_bytes', 'gauge', 'Working set of all pods in bytes', [
      `node_memory_working_set_bytes ${allMemory}`,
    ]),
    ...family('pod_cpu_usage_seconds_total', 'counter', 'CPU time used by the pod in core-seconds', podCpu),
    ...family('pod_memory_working_set_bytes', 'gauge', 'Working set of the pod in bytes', podMemory),
    ...family('resource_scrape_error', 'gauge', '1 if a figure could not be had, 0 otherwise', [
      'resource_scrape_error 0',
    ]),
  ].join('\n')}\n`
}

const podLabels = ({ metadata }: Pod) => `namespace="${metadata.namespace}",pod="${metadata.name}"`
