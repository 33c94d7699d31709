import { quantityToMillis, quantityToNumber } from '../base/quantity.ts'
import type { Container, Pod } from '../models/types/core-v1.ts'

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

type Amounts = Map<number, number>
type PerContainer = (container: Container) => Amounts

/**
 * What the scheduler sets aside for a pod: containers and sidecars together, or the hungriest moment of its start-up if that
 * is more, plus its overhead; and one unit of `pods`.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
 */
export function podRequests(pod: Pod, table: ResourceTable): ResourceVector {
  const total = combine(pod, c => table.amounts(c.resources?.requests))
  // Requests for the pod as a whole, where they are given, stand above its containers'.
  for (const [column, amount] of wholePod(pod, table)) total.set(column, amount)
  add(total, table.amounts(pod.spec.overhead))
  total.set(podCount, 1)
  return table.vector(total)
}

/** CPU and memory for scoring: as requested, or the usual amounts where nothing is. */
export function scoredRequests(pod: Pod, table: ResourceTable): { cpuMillis: number; memoryBytes: number } {
  const total = combine(pod, c => {
    const requests = table.amounts(c.resources?.requests)
    return new Map([
      [cpu, requests.get(cpu) ?? usualCpuMillis],
      [memory, requests.get(memory) ?? usualMemoryBytes],
    ])
  })
  for (const [column, amount] of wholePod(pod, table)) total.set(column, amount)
  add(total, table.amounts(pod.spec.overhead))
  return { cpuMillis: total.get(cpu) ?? 0, memoryBytes: total.get(memory) ?? 0 }
}

/** What the pod as a whole requests: only CPU and memory can be given that way. */
function wholePod(pod: Pod, table: ResourceTable): [number, number][] {
  return [...table.amounts(pod.spec.resources?.requests)].filter(([column]) => column === cpu || column === memory)
}

function combine(pod: Pod, of: PerContainer): Amounts {
  const total: Amounts = new Map()
  for (const container of pod.spec.containers) add(total, of(container))
  const sidecars: Amounts = new Map()
  const peak: Amounts = new Map()
  for (const container of pod.spec.initContainers ?? []) {
    const own = of(container)
    if (container.restartPolicy === 'Always') {
      add(total, own)
      add(sidecars, own)
      most(peak, sidecars)
    } else {
      // Runs beside the sidecars that were started before it.
      add(own, sidecars)
      most(peak, own)
    }
  }
  most(total, peak)
  return total
}

function add(to: Amounts, from: Amounts): void {
  for (const [column, amount] of from) to.set(column, (to.get(column) ?? 0) + amount)
}

function most(to: Amounts, other: Amounts): void {
  for (const [column, amount] of other) to.set(column, Math.max(to.get(column) ?? 0, amount))
}
