import { quantityToFloat } from '../../base/quantity.ts'
import type { Container, PodSpec } from '../../models/types/core-v1.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const computed = ['cpu', 'memory'] as const

/**
 * Guaranteed: every container limits cpu and memory and requests as much. BestEffort: none asks for anything.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClassOf(spec: PodSpec): QosClass {
  const containers: Container[] = [...spec.containers, ...(spec.initContainers ?? [])]
  let asked = false
  let guaranteed = true
  for (const { resources } of containers)
    for (const name of computed) {
      const limit = positive(resources?.limits?.[name])
      const request = positive(resources?.requests?.[name]) ?? limit
      if (limit !== undefined || request !== undefined) asked = true
      if (limit === undefined || request !== limit) guaranteed = false
    }
  if (!asked) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

function positive(quantity: string | undefined): number | undefined {
  const value = quantity === undefined ? 0 : quantityToFloat(quantity)
  return value > 0 ? value : undefined
}
