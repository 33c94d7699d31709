import { join } from 'node:path'
import type { Pod } from '../../models/kinds/core/pod.ts'
import type { PodUsage } from '../../runtime/runtime.ts'
import { readMachineUsage } from './machine-usage.ts'
import type { ServedNode } from './served-node.ts'
import { family, single } from './text-form.ts'

/** The body of /metrics/resource, in Prometheus' text form: what metrics-server reads. A node without a machine is what its pods use. */
export async function resourceMetrics(node: ServedNode): Promise<string> {
  const [usages, machine] = await Promise.all([node.runtime.stats(), readMachineUsage(node.disk)])
  const pods = new Map(node.pods().map(pod => [pod.metadata.uid!, pod]))
  const cpu: string[] = []
  const memory: string[] = []
  const podCpu: string[] = []
  const podMemory: string[] = []
  const starts: string[] = []
  const swap: string[] = []
  const podSwap: string[] = []
  let allCpu = 0
  let allMemory = 0
  const swaps = await Promise.all(usages.map(usage => swapOf(node, usage)))
  for (const [i, { uid, containers }] of usages.entries()) {
    const pod = pods.get(uid)
    if (!pod) continue
    let podNanoseconds = 0
    let podBytes = 0
    for (const c of containers) {
      const labels = `container="${c.name}",${podLabels(pod)}`
      cpu.push(`container_cpu_usage_seconds_total{${labels}} ${c.cpuNanoseconds / 1e9} ${Math.round(c.atMs)}`)
      memory.push(`container_memory_working_set_bytes{${labels}} ${c.memoryWorkingSetBytes} ${Math.round(c.atMs)}`)
      const observed = node.observed(uid)?.containers.find(o => o.id === c.id)
      const swapped = swaps[i]!.containers.get(c.id)
      if (swapped !== undefined) swap.push(`container_swap_usage_bytes{${labels}} ${swapped} ${Math.round(c.atMs)}`)
      if (observed?.startedAtMs) starts.push(`container_start_time_seconds{${labels}} ${observed.startedAtMs / 1000}`)
      podNanoseconds += c.cpuNanoseconds
      podBytes += c.memoryWorkingSetBytes
    }
    podCpu.push(`pod_cpu_usage_seconds_total{${podLabels(pod)}} ${podNanoseconds / 1e9}`)
    podMemory.push(`pod_memory_working_set_bytes{${podLabels(pod)}} ${podBytes}`)
    const swapped = swaps[i]!.whole
    if (swapped !== undefined) podSwap.push(`pod_swap_usage_bytes{${podLabels(pod)}} ${swapped}`)
    allCpu += podNanoseconds
    allMemory += podBytes
  }
  return `${[
    ...family('container_cpu_usage_seconds_total', 'counter', 'CPU time used by the container in core-seconds', cpu),
    ...family('container_memory_working_set_bytes', 'gauge', 'Working set of the container in bytes', memory),
    ...family('container_start_time_seconds', 'gauge', 'Start of the container since 1970 in seconds', starts),
    ...family('container_swap_usage_bytes', 'gauge', 'Swap in use by the container in bytes', swap),
    ...family('node_cpu_usage_seconds_total', 'counter', 'CPU time used by the node in core-seconds', [
      `node_cpu_usage_seconds_total ${(machine?.cpuNanoseconds ?? allCpu) / 1e9}`,
    ]),
    ...family('node_memory_working_set_bytes', 'gauge', 'Working set of the node in bytes', [
      `node_memory_working_set_bytes ${machine?.workingSetBytes ?? allMemory}`,
    ]),
    ...single('node_swap_usage_bytes', 'gauge', 'Swap in use by the node in bytes', machine?.swap.usedBytes),
    ...family('pod_cpu_usage_seconds_total', 'counter', 'CPU time used by the pod in core-seconds', podCpu),
    ...family('pod_memory_working_set_bytes', 'gauge', 'Working set of the pod in bytes', podMemory),
    ...family('pod_swap_usage_bytes', 'gauge', 'Swap in use by the pod in bytes', podSwap),
    ...family('resource_scrape_error', 'gauge', '1 if a figure could not be had, 0 otherwise', [
      'resource_scrape_error 0',
    ]),
  ].join('\n')}\n`
}

const podLabels = ({ metadata }: Pod) => `namespace="${metadata.namespace}",pod="${metadata.name}"`

/** What the kernel counts of the pod and of its containers, by their ids, where the node has their groups. */
async function swapOf(
  node: ServedNode,
  { uid, containers }: PodUsage,
): Promise<{ whole: number | undefined; containers: Map<string, number | undefined> }> {
  const groups = node.groups()
  const group = await groups?.groupOf(uid)
  if (!groups || group === undefined) return { whole: undefined, containers: new Map() }
  const bytes = async (at: string) => (await groups.counters(at, ['swapBytes'])).swapBytes
  const each = containers.map(async ({ id }) => [id, await bytes(join(group, id))] as const)
  return { whole: await bytes(group), containers: new Map(await Promise.all(each)) }
}
