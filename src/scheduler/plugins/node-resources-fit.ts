import type { DeviceLedger } from '../gpu/device-ledger.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { PodClass } from '../pod-class.ts'
import { cpu, memory, podCount, type ResourceVector } from '../resource-table.ts'
import type { Columns } from '../snapshot.ts'
import { type ScoringStrategy, scoreBy } from './scoring-strategy.ts'

interface State {
  pod: PodClass
  columns: Columns
  ledger: DeviceLedger
  /** Reasons by what is short: each place in the pod's requests is one bit. */
  reasons: Map<number, string | string[]>
}

export interface NodeResourcesFitArgs {
  /** Another way to score. */
  strategy?: ScoringStrategy | undefined
  /** Resources that somebody else counts. */
  ignores?: Ignores
}

/** By the resource's name. */
export type Ignores = (resource: string) => boolean

const at = (columns: readonly Float64Array[], column: number, index: number) => columns[column]?.[index] ?? 0

/**
 * Everything a pod requests must be free on its node. Emptier nodes are better: the mean over CPU and memory of
 * 100·free/allocatable after the pod is placed, where a container without requests counts as 100 m and 200 MiB.
 * Nodes that share their devices get 0: they are to be packed (gpu-fragmentation.ts).
 */
export const nodeResourcesFitWith = ({ strategy, ignores }: NodeResourcesFitArgs): SchedulerPlugin<State> => ({
  name: 'NodeResourcesFit',
  byShape: true,
  prepare: (_pod, { columns, gpus }, info) => ({ pod: info.class, columns, ledger: gpus.ledger, reasons: new Map() }),
  filter({ pod, columns, reasons }, { index }) {
    let short = 0
    const { columns: wanted, amounts } = pod.requests
    for (let i = 0; i < wanted.length; i++) {
      const column = wanted[i]!
      const free = at(columns.allocatable, column, index) - at(columns.requested, column, index)
      if (amounts[i]! > free && !ignores?.(columns.resourceNames[column]!)) short += 2 ** i
    }
    if (!short) return undefined
    let said = reasons.get(short)
    if (!said) reasons.set(short, (said = reasonsFor(wanted, short, columns.resourceNames)))
    return said
  },
  evictionHelps: ({ pod, columns }, { index }) => emptyFits(pod, columns, index, ignores),
  refusalWith({ pod, columns }, { index }, left) {
    let short = 0
    const { columns: wanted, amounts } = pod.requests
    for (let i = 0; i < wanted.length; i++) {
      const column = wanted[i]!
      let free = at(columns.allocatable, column, index) - amounts[i]!
      for (const other of left) free -= wantedOf(other.class, column)
      if (free < 0 && !ignores?.(columns.resourceNames[column]!)) short += 2 ** i
    }
    return [reasonsFor(wanted, short, columns.resourceNames)].flat()
  },
  score({ pod, columns, ledger }, { index }) {
    if (strategy) return scoreBy(strategy, pod, columns, index)
    if (ledger.at(index)) return 0
    const cpus = at(columns.allocatable, cpu, index)
    const bytes = at(columns.allocatable, memory, index)
    const cpuFree = share(cpus, columns.scoredCpuMillis[index]! + pod.scoredCpuMillis)
    const memoryFree = share(bytes, columns.scoredMemoryBytes[index]! + pod.scoredMemoryBytes)
    // What a node does not have at all says nothing about it.
    const kinds = (cpus ? 1 : 0) + (bytes ? 1 : 0)
    return kinds ? Math.floor((cpuFree + memoryFree) / kinds) : 0
  },
  wakes(e, pod, snapshot) {
    if (e.type === 'node-added' || (e.type === 'node-updated' && e.changed.has('allocatable'))) {
      const node = snapshot.byName(e.node.metadata.name)
      return node !== undefined && emptyFits(pod.class, snapshot.columns, node.index, ignores)
    }
    if (e.type === 'node-updated') return false
    if (e.type !== 'pod-removed' && e.type !== 'pod-updated') return false
    const before = (e.type === 'pod-updated' ? e.old : e.pod).class
    const after = e.type === 'pod-updated' ? e.pod.class : undefined
    return pod.class.requests.columns.some(column => wantedOf(before, column) > wantedOf(after, column))
  },
})

export const nodeResourcesFit = nodeResourcesFitWith({})

/** Whether the node would do without any pods. */
function emptyFits({ requests }: PodClass, columns: Columns, index: number, ignores: Ignores | undefined): boolean {
  const { columns: wanted, amounts } = requests
  for (let i = 0; i < wanted.length; i++) {
    const column = wanted[i]!
    const short = amounts[i]! > at(columns.allocatable, column, index)
    if (short && !ignores?.(columns.resourceNames[column]!)) return false
  }
  return true
}

function wantedOf(pod: PodClass | undefined, column: number): number {
  const { columns, amounts } = pod?.requests ?? nothing
  return amounts[columns.indexOf(column)] ?? 0
}

const nothing: ResourceVector = { columns: [], amounts: [] }

function reasonsFor(wanted: readonly number[], short: number, names: readonly string[]): string | string[] {
  const columns = wanted.filter((_, i) => Math.floor(short / 2 ** i) % 2)
  const reasons = columns.map(column => (column === podCount ? 'Too many pods' : `Insufficient ${names[column]}`))
  return reasons.length === 1 ? reasons[0]! : reasons
}

/** Percent left of `all`, a whole number. */
function share(all: number, used: number): number {
  return used > all || !all ? 0 : Math.floor(((all - used) * 100) / all)
}
