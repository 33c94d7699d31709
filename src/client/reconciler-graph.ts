import { resourceName } from '../models/kind.ts'
import type { Reconciler } from './reconciler.ts'

/** Who watches what and writes what, as declared. */
export type ReconcilerGraph = { name: string; primary: string; watches: string[]; writes: string[] }[]

export function reconcilerGraph(reconcilers: readonly Reconciler[]): ReconcilerGraph {
  return reconcilers.map(r => ({
    name: r.name,
    primary: resourceName(r.primary),
    watches: (r.watches ?? []).map(w => resourceName(w.kind)),
    writes: r.writes.map(
      w => `${w.kind === '*' ? '*' : resourceName(w.kind)}${w.part === 'owned' ? '' : `/${w.part}`}`,
    ),
  }))
}

/** The graph as a Markdown table. */
export function formatGraph(graph: ReconcilerGraph): string {
  const rows = graph.map(
    r => `| ${r.name} | ${r.primary} | ${[...new Set(r.watches)].join(', ')} | ${r.writes.join(', ')} |`,
  )
  return ['| Reconciler | Reconciles | Also watches | Writes |', '|---|---|---|---|', ...rows, ''].join('\n')
}
