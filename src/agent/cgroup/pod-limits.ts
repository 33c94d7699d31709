import { quantityToMillis, quantityToNumber } from '../../base/quantity.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { kernelSize } from '../pod/hugepages.ts'
import { type QosClass, qosClassOf } from '../pod/qos.ts'
import { cpuQuota, cpuShares, podLimits, podRequests } from '../pod/resources.ts'
import type { GroupLimits } from './group-limits.ts'

/** Where pods of a class are, below the group of all pods. */
export const folderOf: Record<QosClass, string> = { Guaranteed: '', Burstable: 'burstable', BestEffort: 'besteffort' }

/** Of what has asked for nothing. */
export const leastShares = 2

/**
 * The group of one pod: its containers together. Processor time and memory are bounded only where every container is. Pure.
 * @param sizes of huge pages that the node has, as its capacity names them: none but those that it asks for are the pod's
 * @param quotas false: of processors as much as there is
 */
export function podGroup(
  { spec }: Pod,
  sizes: readonly string[],
  mostPids: number | undefined,
  quotas = true,
): GroupLimits {
  const qos = qosClassOf(spec)
  const requests = podRequests(spec)
  const limits = podLimits(spec)
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  const bounded = (name: 'cpu' | 'memory') =>
    containers.every(c => c.resources?.limits?.[name]) ? limits.get(name) : 0
  const cpu = quotas ? bounded('cpu') : 0
  const memory = bounded('memory')
  return {
    cpuShares: qos === 'BestEffort' ? leastShares : cpuShares(requests.get('cpu') ?? 0),
    ...(cpu ? { cpuQuotaMicros: cpuQuota(cpu) } : {}),
    ...(memory ? { memoryBytes: memory } : {}),
    ...(mostPids === undefined ? {} : { pids: mostPids }),
    ...(sizes.length ? { hugepages: new Map(sizes.map(size => [kernelSize(size), requests.get(size) ?? 0])) } : {}),
  }
}

export interface QosGroups {
  burstable: GroupLimits
  besteffort: GroupLimits
}

/**
 * The groups of the two classes that share what Guaranteed pods leave. Pure.
 * @param memory given when requests of the better classes are kept from the lesser ones: percent of them, 0…100, of so much
 */
export function qosGroups(pods: readonly Pod[], memory?: { percent: number; podsBytes: number }): QosGroups {
  const sum = (qos: QosClass, resource: string) =>
    pods
      .filter(({ spec }) => qosClassOf(spec) === qos)
      .reduce((total, { spec }) => total + (podRequests(spec).get(resource) ?? 0), 0)
  const kept = (qos: QosClass) => Math.floor((sum(qos, 'memory') * memory!.percent) / 100)
  const forBurstable = memory && Math.max(memory.podsBytes - kept('Guaranteed'), 0)
  const forBestEffort = memory && Math.max(forBurstable! - kept('Burstable'), 0)
  return {
    burstable: {
      cpuShares: cpuShares(sum('Burstable', 'cpu')),
      ...(forBurstable === undefined ? {} : { memoryBytes: forBurstable }),
    },
    besteffort: {
      cpuShares: leastShares,
      ...(forBestEffort === undefined ? {} : { memoryBytes: forBestEffort }),
    },
  }
}

/** The group of all pods. @param amounts what pods may use together: the node's capacity, or that less what is reserved */
export function nodeGroup(amounts: Record<string, string>): GroupLimits {
  const memory = amounts['memory'] ? quantityToNumber(amounts['memory']) : 0
  return {
    cpuShares: cpuShares(quantityToMillis(amounts['cpu'] ?? '0')),
    ...(memory > 0 ? { memoryBytes: memory } : {}),
  }
}
