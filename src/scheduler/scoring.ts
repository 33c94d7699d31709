import type { Active } from './class-plan.ts'
import type { NodeView } from './snapshot.ts'

/** One plugin's scores of the nodes, in 0 … 100, before its weight. Overwrites `scores`; scores[i] is of fitting[i]. */
export function scoreNodes(
  active: Active,
  fitting: readonly NodeView[],
  scores: Float64Array,
  rows: Int32Array = Int32Array.from(fitting, node => node.index),
): void {
  const { plugin, state } = active
  plugin.prepareScore?.(state, fitting)
  if (plugin.scoreRows) {
    scores.fill(0)
    plugin.scoreRows(state, fitting, scores)
  } else for (let i = 0; i < fitting.length; i++) scores[i] = plugin.score!(state, fitting[i]!)
  normalize(active, scores, rows)
}

/** In place; scores[i] is of the node in row rows[i]. */
export function normalize({ plugin, state }: Active, scores: Float64Array, rows: Int32Array): void {
  const rule = plugin.normalize
  if (typeof rule === 'function') {
    rule(state, scores, rows)
    return
  }
  if (!rule) return
  let max = 0
  for (const score of scores) if (score > max) max = score
  for (let i = 0; i < scores.length; i++) {
    const share = max ? Math.floor((100 * scores[i]!) / max) : 0
    scores[i] = rule === 'lowest' ? 100 - share : share
  }
}

/** `to[i]` becomes the cell of the column that is in row `rows[i]`. */
export function pick(column: Float64Array, rows: Int32Array, to: Float64Array): void {
  for (let i = 0; i < rows.length; i++) to[i] = column[rows[i]!]!
}

export function addWeighted(totals: Float64Array, scores: Float64Array, weight: number): void {
  for (let i = 0; i < totals.length; i++) totals[i]! += weight * scores[i]!
}
