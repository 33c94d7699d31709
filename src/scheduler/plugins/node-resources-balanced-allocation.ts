import type { DeviceLedger } from '../gpu/device-ledger.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { PodClass } from '../pod-class.ts'
import { cpu, memory } from '../resource-table.ts'
import type { Columns } from '../snapshot.ts'

interface State {
  columns: Columns
  ledger: DeviceLedger
  cpuMillis: number
  memoryBytes: number
}

const requested = (c: PodClass, column: number) => c.requests.amounts[c.requests.columns.indexOf(column)] ?? 0

/**
 * Nodes whose CPU and memory would be used to the same degree are better: 100·(1 − |cpu share − memory share| / 2);
 * 0 where devices are shared, for those are packed.
 */
export const nodeResourcesBalancedAllocation: SchedulerPlugin<State> = {
  name: 'NodeResourcesBalancedAllocation',
  byShape: true,
  prepare: (_pod, { columns, gpus }, { class: c }) => ({
    columns,
    ledger: gpus.ledger,
    cpuMillis: requested(c, cpu),
    memoryBytes: requested(c, memory),
  }),
  score({ columns, ledger, cpuMillis, memoryBytes }, { index }) {
    if (ledger.at(index)) return 0
    const cpuShare = share(columns, cpu, index, cpuMillis)
    const memoryShare = share(columns, memory, index, memoryBytes)
    if (cpuShare === undefined || memoryShare === undefined) return 100
    return Math.floor((1 - Math.abs(cpuShare - memoryShare) / 2) * 100)
  },
  wakes: () => false,
}

function share(columns: Columns, column: number, index: number, more: number): number | undefined {
  const all = columns.allocatable[column]?.[index] ?? 0
  return all ? Math.min(((columns.requested[column]?.[index] ?? 0) + more) / all, 1) : undefined
}
