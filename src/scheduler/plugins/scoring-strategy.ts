import type { PodClass } from '../pod-class.ts'
import { cpu, ephemeral, memory } from '../resource-table.ts'
import type { Columns } from '../snapshot.ts'

/** How full nodes are rated, as the scheduler's configuration says (`NodeResourcesFitArgs.scoringStrategy`). */
export interface ScoringStrategy {
  /** @param percent of the resource that is in use with the pod, 0 … 100. @returns 0 worst … 100 best */
  rate(percent: number): number
  /** Resources that are rated 0 are left out of the mean, and it is rounded instead of cut. */
  skipsZero?: true
  resources: readonly { name: string; weight: number }[]
}

type Rating = Omit<ScoringStrategy, 'resources'>

export const leastAllocated: Rating = { rate: percent => Math.floor(100 - percent) }
export const mostAllocated: Rating = { rate: Math.floor }

/** utilization 0 … 100, score 0 … 10 */
export interface ShapePoint {
  utilization: number
  score: number
}

/** Straight lines between points of ascending utilization, in whole percents. */
export const requestedToCapacityRatio = (shape: readonly ShapePoint[]): Rating => ({
  skipsZero: true,
  rate(exact) {
    const percent = Math.floor(exact)
    const next = shape.findIndex(p => percent <= p.utilization)
    if (next < 0) return shape.at(-1)!.score * 10
    const to = shape[next]!
    if (next === 0) return to.score * 10
    const from = shape[next - 1]!
    const rise = 10 * (to.score - from.score) * (percent - from.utilization)
    return 10 * from.score + Math.trunc(rise / (to.utilization - from.utilization))
  },
})

/** Counts in scores though the pod requests none of it. */
export const countsUnasked = (column: number): boolean => column === cpu || column === memory || column === ephemeral

/** The weighted mean over those of the resources that the node has and, if they are extended ones, the pod requests. */
export function scoreBy(strategy: ScoringStrategy, pod: PodClass, columns: Columns, index: number): number {
  const { rate, skipsZero, resources } = strategy
  let sum = 0
  let weights = 0
  for (const { name, weight } of resources) {
    const column = columns.resourceNames.indexOf(name)
    const all = columns.allocatable[column]?.[index] ?? 0
    const used = usedWith(pod, columns, column, index)
    if (!all || used === undefined) continue
    const rating = rate(Math.min((100 * used) / all, 100))
    if (skipsZero && !rating) continue
    sum += weight * rating
    weights += weight
  }
  if (!weights) return 0
  return skipsZero ? Math.round(sum / weights) : Math.floor(sum / weights)
}

function usedWith(pod: PodClass, columns: Columns, column: number, index: number): number | undefined {
  if (column === cpu) return columns.scoredCpuMillis[index]! + pod.scoredCpuMillis
  if (column === memory) return columns.scoredMemoryBytes[index]! + pod.scoredMemoryBytes
  const wanted = pod.requests.amounts[pod.requests.columns.indexOf(column)] ?? 0
  return wanted || countsUnasked(column) ? (columns.requested[column]?.[index] ?? 0) + wanted : undefined
}
