import type { PodClass } from '../pod-class.ts'
import { cpu, memory } from '../resource-table.ts'
import type { Columns } from '../snapshot.ts'

/** How full nodes are rated, as the scheduler's configuration says (`NodeResourcesFitArgs.scoringStrategy`). */
export interface ScoringStrategy {
  /** @param percent of the resource that is in use with the pod, 0 … 100. @returns 0 worst … 100 best */
  rate(percent: number): number
  resources: readonly { name: string; weight: number }[]
}

export const leastAllocated = (percent: number): number => Math.floor(100 - percent)
export const mostAllocated = (percent: number): number => Math.floor(percent)

/** Straight lines between points. @param shape utilization 0 … 100 ascending, score 0 … 10 */
export function byShape(shape: readonly { utilization: number; score: number }[]): ScoringStrategy['rate'] {
  return percent => {
    const next = shape.findIndex(p => percent <= p.utilization)
    if (next < 0) return shape.at(-1)!.score * 10
    const to = shape[next]!
    if (next === 0) return to.score * 10
    const from = shape[next - 1]!
    const part = (percent - from.utilization) / (to.utilization - from.utilization)
    return Math.floor(10 * (from.score + part * (to.score - from.score)))
  }
}

/** The weighted mean over those of the resources that the node has and, but for CPU and memory, the pod requests. */
export function scoreBy({ rate, resources }: ScoringStrategy, pod: PodClass, columns: Columns, index: number): number {
  let sum = 0
  let weights = 0
  for (const { name, weight } of resources) {
    const column = columns.resourceNames.indexOf(name)
    const all = columns.allocatable[column]?.[index] ?? 0
    const used = usedWith(pod, columns, column, index)
    if (!all || used === undefined) continue
    sum += weight * rate(Math.min((100 * used) / all, 100))
    weights += weight
  }
  return weights ? Math.floor(sum / weights) : 0
}

function usedWith(pod: PodClass, columns: Columns, column: number, index: number): number | undefined {
  if (column === cpu) return columns.scoredCpuMillis[index]! + pod.scoredCpuMillis
  if (column === memory) return columns.scoredMemoryBytes[index]! + pod.scoredMemoryBytes
  const wanted = pod.requests.amounts[pod.requests.columns.indexOf(column)]
  return wanted === undefined ? undefined : (columns.requested[column]?.[index] ?? 0) + wanted
}
