import type { SchedulerPlugin } from '../plugin.ts'
import type { PodClass } from '../pod-class.ts'
import { cpu, memory } from '../resource-table.ts'
import type { NodeView, Snapshot } from '../snapshot.ts'
import { type Expected, ExpectedUsage, type PodUsage } from '../usage/expected-usage.ts'

interface State {
  pod: PodClass
  snapshot: Snapshot
}

/**
 * The more room a node is expected to have left at its busy times, the better. Off unless a profile names it.
 *
 *     usual(n) = Σ p50(pod)                                        over the pods on n and the one to be placed
 *     burst(n) = √ Σ over workloads w ( Σ over pods of w on n  p90(pod) − p50(pod) )²
 *     score    = 100 · max(0, 1 − max over CPU and memory of (usual + burst) / allocatable)
 *
 * p50 and p90 (of memory: of daily peaks, p50 and p95) are those of the workload's Recommendation, in which what is older
 * weighs less, half after a day (docs/right-sizing.md). A pod of which nothing was measured is expected to use what it asks for.
 * The burst is the interference: pods of one workload are busy at the same times, so theirs add up; workloads are taken to be
 * independent and about normal, where what p90 is above p50 grows as the standard deviation, by the root of the sum of squares.
 * So a node with ten replicas of one service is riskier than one with ten services, at the same mean.
 *
 * Percentiles of decaying histograms as in Rzadca et al., "Autopilot: workload autoscaling at Google" (EuroSys '20); bin packing
 * by mean and standard deviation of independent loads as in Bashir et al., "Take it to the limit: peak prediction-driven
 * resource overcommitment in datacenters" (EuroSys '21), where it is the N-sigma predictor.
 */
export const measuredUsage: SchedulerPlugin<State> = {
  name: 'MeasuredUsage',
  scoresRead: ['recommendations'],
  prepare: (_pod, snapshot, info) => ({ pod: info.class, snapshot }),
  score({ pod, snapshot }, node) {
    const { allocatable } = snapshot.columns
    const usages = usagesOn(node, pod, ExpectedUsage.of(snapshot.objects.recommendations))
    const cpuUse = busyUse(usages, u => u.cpuMillis) / (allocatable[cpu]?.[node.index] || Number.NaN)
    const memoryUse = busyUse(usages, u => u.memoryBytes) / (allocatable[memory]?.[node.index] || Number.NaN)
    // What a node does not have at all says nothing about it.
    return Math.floor(100 * Math.max(0, 1 - Math.max(cpuUse || 0, memoryUse || 0)))
  },
  wakes: () => false,
}

function usagesOn({ placed }: NodeView, pod: PodClass, expected: ExpectedUsage): PodUsage[] {
  const usages = placed.map(p => expected.byClass(p.class))
  usages.push(expected.byClass(pod))
  return usages
}

/** What all of them together use at their busy times. */
function busyUse(usages: readonly PodUsage[], read: (usage: PodUsage) => Expected): number {
  const bursts = new Map<string, number>()
  let usual = 0
  for (const usage of usages) {
    const expected = read(usage)
    usual += expected.usual
    const { workload } = usage
    if (workload !== undefined) bursts.set(workload, (bursts.get(workload) ?? 0) + expected.burst)
  }
  let squares = 0
  for (const burst of bursts.values()) squares += burst ** 2
  return usual + Math.sqrt(squares)
}
