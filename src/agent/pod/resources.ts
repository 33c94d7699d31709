import { quantityToFloat, quantityToMillis, quantityToNumber } from '../../base/quantity.ts'
import { addAmounts, numbers, podTotal } from '../../models/pod-total.ts'
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../models/types/core-v1.ts'
import type { ContainerResources } from '../../runtime/runtime.ts'
import type { HostMemory } from '../node/host-memory.ts'
import { isCritical } from './critical.ts'
import { kernelSize } from './hugepages.ts'
import { qosClassOf } from './qos.ts'

/** Of processor quotas. */
export const periodMicros = 100_000

/** What one container may use, as control groups want it. @param quotas false: of processors as much as there is */
export function containerResources(
  pod: Pod,
  container: Container,
  host: HostMemory,
  quotas = true,
): ContainerResources {
  const { requests = {}, limits = {} } = container.resources ?? {}
  const cpuRequest = requests['cpu'] ?? limits['cpu']
  const cpuLimit = quotas && limits['cpu'] ? quantityToMillis(limits['cpu']) : 0
  const memoryLimit = limits['memory'] ? quantityToNumber(limits['memory']) : 0
  return {
    cpuShares: cpuShares(cpuRequest ? quantityToMillis(cpuRequest) : 0),
    ...(cpuLimit ? { cpuQuotaMicros: cpuQuota(cpuLimit), cpuPeriodMicros: periodMicros } : {}),
    ...(memoryLimit ? { memoryLimitBytes: memoryLimit, memorySwapLimitBytes: memoryLimit } : {}),
    oomScoreAdj: oomScoreAdj(pod, container, host.bytes),
    ...(host.hugepages.length ? { hugepages: host.hugepages.map(size => hugepagesOf(size, limits)) } : {}),
    ...(host.unified ? { unified: unifiedFiles(pod, container, host) } : {}),
  }
}

/** A container has those that its limits name, and none of other sizes. */
function hugepagesOf(size: string, limits: Record<string, string>) {
  return { pageSize: kernelSize(size), limitBytes: limits[size] ? quantityToNumber(limits[size]) : 0 }
}

/** What only version 2 of control groups has. */
function unifiedFiles(pod: Pod, container: Container, host: HostMemory): Record<string, string> {
  return {
    // A container without one of its processes is of no use: all go, and are started anew.
    ...(host.oomGroup ? { 'memory.oom.group': '1' } : {}),
    ...(host.swapBytes ? { 'memory.swap.max': String(swapLimit(pod, container, host)) } : {}),
  }
}

/**
 * Bytes of swap that a container may use: where it is allowed at all, Burstable ones that request memory, and less than
 * their limit, have the same share of it as of the node's memory.
 * @see https://kubernetes.io/docs/concepts/architecture/nodes/#swap-memory
 */
export function swapLimit(pod: Pod, container: Container, { bytes, swapBytes, swapBehavior }: HostMemory): number {
  const { requests = {}, limits = {} } = container.resources ?? {}
  const request = requests['memory'] ?? limits['memory']
  if (swapBehavior === 'NoSwap' || !request || isCritical(pod) || qosClassOf(pod.spec) !== 'Burstable') return 0
  const requested = quantityToNumber(request)
  if (limits['memory'] && quantityToNumber(limits['memory']) === requested) return 0
  return Math.floor((requested / Math.max(bytes, 1)) * swapBytes)
}

/** Microseconds in each period of 100 ms for so many thousandths of a core; the kernel takes none under a millisecond. */
export function cpuQuota(millis: number): number {
  return Math.max(Math.floor((millis * periodMicros) / 1000), 1000)
}

/** cgroup v1 shares of so many thousandths of a core: 1024 is one core, never under 2. */
export function cpuShares(millis: number): number {
  return Math.min(Math.max(Math.floor((millis * 1024) / 1000), 2), 262_144)
}

/** Who goes first when the node runs out of memory: -997 last, 1000 first. */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if ((pod.spec.priority ?? 0) >= 2_000_001_000) return -997
  const qos = qosClassOf(pod.spec)
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const request = container.resources?.requests?.['memory'] ?? container.resources?.limits?.['memory']
  const bytes = request ? quantityToNumber(request) : 0
  const score = 1000 - Math.floor((1000 * bytes) / Math.max(memoryCapacityBytes, 1))
  return Math.min(Math.max(score, 3), 999)
}

/** What a pod asks of a node, by resource; cpu in thousandths, the rest in whole units. */
export function podRequests(spec: PodSpec): Map<string, number> {
  return wholePod(spec, ({ limits, requests }) => amounts({ ...limits, ...requests }))
}

/** What a pod may use at most, in the same units; it says nothing of resources that some container does not limit. */
export function podLimits(spec: PodSpec): Map<string, number> {
  return wholePod(spec, ({ limits }) => amounts(limits))
}

function wholePod(spec: PodSpec, of: (resources: ResourceRequirements) => Map<string, number>): Map<string, number> {
  const total = podTotal(spec, ({ resources }) => of(resources ?? {}), numbers)
  return addAmounts(total, amounts(spec.overhead), numbers)
}

/** cpu in thousandths of a core, everything else in whole units (bytes, devices). */
export function units(resource: string, quantity: string): number {
  return resource === 'cpu' ? quantityToMillis(quantity) : Math.ceil(quantityToFloat(quantity))
}

const amounts = (quantities: Record<string, string> = {}) =>
  new Map(Object.entries(quantities).map(([name, quantity]) => [name, units(name, quantity)]))
