import { quantityToMillis, quantityToNumber } from '../base/quantity.ts'
import { addAmounts, numbers, podTotal } from '../models/pod-total.ts'
import type { Pod } from '../models/types/core-v1.ts'

/** Column numbers of the resources that every node has. */
export const cpu = 0
export const memory = 1
export const ephemeral = 2
export const podCount = 3

/** Amounts by column: milli-CPU, bytes, or whole units. Columns that are not named are 0. */
export interface ResourceVector {
  columns: readonly number[]
  amounts: readonly number[]
}

/** Gives each resource name a column number, for good. */
export class ResourceTable {
  readonly names: string[] = ['cpu', 'memory', 'ephemeral-storage', 'pods']
  readonly #columns = new Map(this.names.map((name, column) => [name, column]))

  column(name: string): number {
    let column = this.#columns.get(name)
    if (column === undefined) {
      column = this.names.push(name) - 1
      this.#columns.set(name, column)
    }
    return column
  }

  /** A list of quantities as amounts; what is not a quantity counts as nothing. */
  amounts(quantities: Record<string, string> | undefined): Map<number, number> {
    const out = new Map<number, number>()
    for (const [name, quantity] of Object.entries(quantities ?? {}))
      out.set(this.column(name), amountOf(name, quantity))
    return out
  }

  vector(amounts: Map<number, number>): ResourceVector {
    const entries = [...amounts].filter(([, amount]) => amount > 0).sort(([a], [b]) => a - b)
    return { columns: entries.map(([c]) => c), amounts: entries.map(([, a]) => a) }
  }
}

function amountOf(name: string, quantity: string): number {
  try {
    return name === 'cpu' ? quantityToMillis(String(quantity)) : quantityToNumber(String(quantity))
  } catch {
    return 0
  }
}

/** What a container without requests is taken to use when nodes are scored, so that many of them still spread. */
const usualCpuMillis = 100
const usualMemoryBytes = 200 * 1024 * 1024

/**
 * What the scheduler sets aside for a pod: its total (see podTotal), plus its overhead, and one unit of `pods`.
 */
export function podRequests(pod: Pod, table: ResourceTable): ResourceVector {
  const total = podTotal(pod.spec, c => table.amounts(c.resources?.requests), numbers)
  // Requests for the pod as a whole, where they are given, stand above its containers'.
  for (const [column, amount] of wholePod(pod, table)) total.set(column, amount)
  addAmounts(total, table.amounts(pod.spec.overhead), numbers)
  total.set(podCount, 1)
  return table.vector(total)
}

/** CPU and memory for scoring: as requested, or the usual amounts where nothing is. */
export function scoredRequests(pod: Pod, table: ResourceTable): { cpuMillis: number; memoryBytes: number } {
  const total = podTotal(
    pod.spec,
    c => {
      const requests = table.amounts(c.resources?.requests)
      return new Map([
        [cpu, requests.get(cpu) ?? usualCpuMillis],
        [memory, requests.get(memory) ?? usualMemoryBytes],
      ])
    },
    numbers,
  )
  for (const [column, amount] of wholePod(pod, table)) total.set(column, amount)
  addAmounts(total, table.amounts(pod.spec.overhead), numbers)
  return { cpuMillis: total.get(cpu) ?? 0, memoryBytes: total.get(memory) ?? 0 }
}

/** What the pod as a whole requests: only CPU and memory can be given that way. */
function wholePod(pod: Pod, table: ResourceTable): [number, number][] {
  return [...table.amounts(pod.spec.resources?.requests)].filter(([column]) => column === cpu || column === memory)
}
