import { parseQuantity } from '../../../base/quantity.ts'
import type { Container, PodSpec } from '../../types/core-v1.ts'

export type PodQosClass = 'BestEffort' | 'Burstable' | 'Guaranteed'

const counted = ['cpu', 'memory'] as const

/**
 * How dear a pod is to its node when memory runs short. Guaranteed: every container limits CPU and memory, and requests
 * as much in total. BestEffort: nothing requested, nothing limited. Burstable: the rest.
 * @throws InvalidQuantity
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function podQosClass(spec: PodSpec): PodQosClass {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const requests = totals(containers, 'requests')
  const limits = totals(containers, 'limits')
  if (!requests.size && !limits.size) return 'BestEffort'
  const limited = containers.every(c => counted.every(name => nano(c.resources?.limits?.[name]) > 0n))
  const equal = requests.size === limits.size && [...requests].every(([name, amount]) => limits.get(name) === amount)
  return limited && equal ? 'Guaranteed' : 'Burstable'
}

/** The class that a pod's status tells, or else what its spec makes it. */
export function qosOf(pod: { spec: PodSpec; status?: { qosClass?: PodQosClass } }): PodQosClass {
  return pod.status?.qosClass ?? podQosClass(pod.spec)
}

function totals(containers: Container[], which: 'requests' | 'limits'): Map<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const { resources } of containers)
    for (const name of counted) {
      const amount = nano(resources?.[which]?.[name])
      if (amount > 0n) sums.set(name, (sums.get(name) ?? 0n) + amount)
    }
  return sums
}

const nano = (text: string | undefined) => (text === undefined ? 0n : parseQuantity(text).nano)
