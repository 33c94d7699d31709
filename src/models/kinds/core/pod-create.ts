import type { Pod, PodAffinityTerm, PodCondition } from '../../types/core-v1.ts'
import { settleAppArmor } from './pod-annotations.ts'
import { podQosClass } from './pod-qos.ts'

/** A new pod is pending, of the class that its requests make it, and held back by its gates if it has any. */
export function preparePod(pod: Pod): void {
  pod.status = {
    phase: 'Pending',
    qosClass: qosOrBestEffort(pod),
    ...(pod.spec.schedulingGates?.length ? { conditions: [heldBack(pod.metadata.creationTimestamp)] } : {}),
  }
  settleAppArmor(pod.metadata, pod.spec)
  for (const term of affinityTerms(pod)) bindLabelKeys(term, pod.metadata.labels ?? {})
}

/** Kubernetes writes the time of a probe also when there was none: as null. */
function heldBack(since: string | undefined): PodCondition {
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
    lastProbeTime: null,
    lastTransitionTime: since ?? null,
  }
  return condition as unknown as PodCondition
}

/** Validation, which comes later, is who tells a wrong quantity. */
function qosOrBestEffort(pod: Pod) {
  try {
    return podQosClass(pod.spec)
  } catch {
    return 'BestEffort'
  }
}

function affinityTerms({ spec: { affinity } }: Pod): PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap(part => [
    ...(part?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(part?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(p => p.podAffinityTerm),
  ])
}

/** `matchLabelKeys` compares with this pod's own labels: written into the selector once, when the labels are known. */
function bindLabelKeys(term: PodAffinityTerm, labels: Record<string, string>): void {
  const selector = term.labelSelector
  if (!selector) return
  const requirement = (keys: string[] | undefined, operator: string) =>
    (keys ?? []).filter(key => key in labels).map(key => ({ key, operator, values: [labels[key]!] }))
  const added = [...requirement(term.matchLabelKeys, 'In'), ...requirement(term.mismatchLabelKeys, 'NotIn')]
  if (added.length) selector.matchExpressions = [...(selector.matchExpressions ?? []), ...added]
}

/**
 * Seconds a pod gets to stop. 0 for one that has nothing to stop: on no node, or ended.
 */
export function podGraceSeconds({ spec, status }: Pod, wished?: number): number {
  if (!spec.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0
  const seconds = wished ?? spec.terminationGracePeriodSeconds ?? 30
  // Negative means at once, but by way of the agent.
  return seconds < 0 ? 1 : seconds
}
