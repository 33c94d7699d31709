import type { Active } from '../class-plan.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { NodeView } from '../snapshot.ts'

/** All that one node has against a pod. */
export interface Refused {
  node: NodeView
  /** In the order of the profile; the first is the one that events count. */
  reasons: { by: Active; reason: string }[]
}

/** What every node says, each rule asked whatever the others said. @returns nodes that refuse, and those that fit */
export function askAll(actives: readonly Active[], state: ClusterState): { refused: Refused[]; fitting: NodeView[] } {
  // What is said of all nodes alike is asked once.
  const filters = actives
    .filter(a => a.plugin.filter ?? a.plugin.refuseAll)
    .map(by => ({ by, state: by.state, plugin: by.plugin, ofAll: by.plugin.refuseAll?.(by.state) }))
  const refused: Refused[] = []
  const fitting: NodeView[] = []
  for (const node of state.nodes) {
    const reasons: Refused['reasons'] = []
    for (const { by, plugin, state: prepared, ofAll } of filters) {
      const said = ofAll ?? plugin.filter?.(prepared, node)
      if (typeof said === 'string') reasons.push({ by, reason: said })
      else if (said) for (const reason of said) reasons.push({ by, reason })
    }
    if (reasons.length) refused.push({ node, reasons })
    else fitting.push(node)
  }
  return { refused, fitting }
}

/** The plugin that alone refuses the most nodes, else the one that refuses most. */
export function bindingConstraint(refused: readonly Refused[]) {
  const alone = new Map<Active, number>()
  const all = new Map<Active, number>()
  const count = (counts: Map<Active, number>, by: Active) => counts.set(by, (counts.get(by) ?? 0) + 1)
  for (const { reasons } of refused) {
    const first = reasons[0]!.by
    if (reasons.every(r => r.by === first)) count(alone, first)
    let last: Active | undefined
    for (const { by } of reasons) {
      if (by !== last) count(all, by)
      last = by
    }
  }
  const [top] = [...(alone.size ? alone : all)].sort(([, a], [, b]) => b - a)
  return top && { plugin: top[0].plugin.name, nodes: top[1], alone: alone.size > 0 }
}
