import type { DeviceLedger } from '../gpu/device-ledger.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { PodClass } from '../pod-class.ts'
import type { Columns } from '../snapshot.ts'
import { countsUnasked } from './scoring-strategy.ts'

interface State {
  columns: Columns
  ledger: DeviceLedger
  /** Of each resource that counts for the pod, its column and how much the pod requests. */
  wanted: { column: number; amount: number }[]
}

export interface NodeResourcesBalancedAllocationArgs {
  /** Names; CPU and memory unless given. */
  resources?: readonly string[]
}

const requested = (c: PodClass, column: number) => c.requests.amounts[c.requests.columns.indexOf(column)] ?? 0

/**
 * Nodes whose CPU and memory would be used to the same degree are better: 100·(1 − |cpu share − memory share| / 2), or of
 * other resources 100·(1 − the shares' standard deviation); 0 where devices are shared, for those are packed.
 */
export const nodeResourcesBalancedAllocationWith = ({
  resources = ['cpu', 'memory'],
}: NodeResourcesBalancedAllocationArgs): SchedulerPlugin<State> => ({
  name: 'NodeResourcesBalancedAllocation',
  byShape: true,
  prepare(_pod, { columns, gpus }, { class: c }) {
    const all = resources.map(name => columns.resourceNames.indexOf(name))
    const wanted = all
      .map(column => ({ column, amount: requested(c, column) }))
      .filter(({ column, amount }) => column >= 0 && (amount > 0 || countsUnasked(column)))
    return { columns, ledger: gpus.ledger, wanted }
  },
  score({ columns, ledger, wanted }, { index }) {
    return ledger.at(index) ? 0 : Math.floor((1 - deviation(columns, wanted, index)) * 100)
  },
  wakes: () => false,
})

export const nodeResourcesBalancedAllocation = nodeResourcesBalancedAllocationWith({})

/** The standard deviation of the shares; of two simply half of what is between them, which is exact. */
function deviation(columns: Columns, wanted: State['wanted'], index: number): number {
  let count = 0
  let sum = 0
  let first = 0
  let last = 0
  for (const one of wanted) {
    const share = shareOf(columns, one, index)
    if (share === undefined) continue
    if (!count++) first = share
    last = share
    sum += share
  }
  if (count < 3) return Math.abs(first - last) / 2
  let squares = 0
  for (const one of wanted) {
    const share = shareOf(columns, one, index)
    if (share !== undefined) squares += (share - sum / count) ** 2
  }
  return Math.sqrt(squares / count)
}

/** 0 … 1 of what the node has in use with the pod; undefined if it has none. */
function shareOf(columns: Columns, { column, amount }: State['wanted'][number], index: number): number | undefined {
  const all = columns.allocatable[column]?.[index] ?? 0
  return all ? Math.min(((columns.requested[column]?.[index] ?? 0) + amount) / all, 1) : undefined
}
