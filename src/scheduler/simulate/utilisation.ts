import { cpu } from '../resource-table.ts'
import type { Snapshot } from '../snapshot.ts'

/** Of one resource, over all nodes: CPU in cores, memory in bytes, everything else in its own unit. */
export interface Use {
  allocatable: number
  requested: number
}

/** By resource name. Resources that no node has and no pod asks for are left out. */
export type Utilisation = Record<string, Use>

export function utilisationOf({ columns, nodes }: Snapshot): Utilisation {
  const out: Utilisation = {}
  for (const [column, name] of columns.resourceNames.entries()) {
    const total = (of: readonly Float64Array[]) => nodes.reduce((sum, n) => sum + (of[column]?.[n.index] ?? 0), 0)
    const unit = column === cpu ? 1_000 : 1
    const use = { allocatable: total(columns.allocatable) / unit, requested: total(columns.requested) / unit }
    if (use.allocatable || use.requested) out[name] = use
  }
  return out
}
