import type { Pod, PodCondition } from './types/core-v1.ts'

/** What others conclude from a pod's status. */

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find(c => c.type === type)
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True'
}

/** Succeeded or Failed: it will never run again. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

/** Counts as a replica: neither finished nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !pod.metadata.deletionTimestamp
}

/**
 * How long until the pod is available, that is: has been ready for `minReadySeconds`.
 * @param nowMs wall time
 * @returns 0 when it is, Infinity while it is not even ready
 */
export function msUntilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return Infinity
  if (!minReadySeconds) return 0
  if (!ready.lastTransitionTime) return Infinity
  return Math.max(Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs, 0)
}

export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return msUntilAvailable(pod, minReadySeconds, nowMs) === 0
}
