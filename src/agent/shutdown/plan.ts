import type { Pod } from '../../models/types/core-v1.ts'

/** Pods of this priority and above, up to the next step, get so long when the machine goes down. */
export interface ShutdownStep {
  priority: number
  graceMs: number
}

/** The first priority of what the cluster rests on. */
const critical = 2_000_000_000

/** kubelet's two settings. @param totalMs of all together @param criticalMs of it for the critical ones */
export function shutdownSteps(totalMs: number, criticalMs: number): ShutdownStep[] {
  return [
    { priority: 0, graceMs: Math.max(totalMs - criticalMs, 0) },
    { priority: critical, graceMs: Math.min(criticalMs, totalMs) },
  ]
}

/** Who ends when, the least important first; steps without pods take no time. Pure. */
export function shutdownOrder<T extends { pod: Pod }>(
  those: readonly T[],
  steps: readonly ShutdownStep[],
): { graceMs: number; those: T[] }[] {
  const sorted = [...steps].sort((a, b) => a.priority - b.priority)
  const stepOf = ({ pod }: T) =>
    Math.max(
      sorted.findLastIndex(step => step.priority <= (pod.spec.priority ?? 0)),
      0,
    )
  return sorted
    .map(({ graceMs }, i) => ({ graceMs, those: those.filter(one => stepOf(one) === i) }))
    .filter(group => group.those.length)
}
