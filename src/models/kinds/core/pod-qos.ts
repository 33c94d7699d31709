import { parseQuantity } from '../../../base/quantity.ts'
import type { PodSpec } from '../../types/core-v1.ts'

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
  let nothing = true
  let guaranteed = true
  for (const name of counted) {
    let [requests, limits] = [0n, 0n]
    for (const { resources } of containers) {
      const limit = positive(resources?.limits?.[name])
      if (limit === 0n) guaranteed = false
      limits += limit
      requests += positive(resources?.requests?.[name])
    }
    if (requests !== 0n || limits !== 0n) nothing = false
    if (requests !== limits) guaranteed = false
  }
  if (nothing) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

/** The class that a pod's status tells, or else what its spec makes it. */
export function qosOf(pod: { spec: PodSpec; status?: { qosClass?: PodQosClass } }): PodQosClass {
  return pod.status?.qosClass ?? podQosClass(pod.spec)
}

function positive(text: string | undefined): bigint {
  if (text === undefined) return 0n
  const { nano } = parseQuantity(text)
  return nano > 0n ? nano : 0n
}
