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
  const filters = actives.filter(a => a.plugin.filter ?? a.plugin.refuseAll)
  const refused: Refused[] = []
  const fitting: NodeView[] = []
  for (const node of state.nodes) {
    const reasons: Refused['reasons'] = []
    for (const by of filters) {
      const said = by.plugin.refuseAll?.(by.state) ?? by.plugin.filter?.(by.state, node)
      if (said !== undefined) for (const reason of [said].flat()) reasons.push({ by, reason })
    }
    if (reasons.length) refused.push({ node, reasons })
    else fitting.push(node)
  }
  return { refused, fitting }
}

/** The plugin that alone refuses the most nodes, else the one that refuses most. */
export function bindingConstraint(refused: readonly Refused[]) {
  const alone = new Map<string, number>()
  const all = new Map<string, number>()
  for (const { reasons } of refused) {
    const plugins = new Set(reasons.map(r => r.by.plugin.name))
    for (const name of plugins) all.set(name, (all.get(name) ?? 0) + 1)
    if (plugins.size === 1) for (const name of plugins) alone.set(name, (alone.get(name) ?? 0) + 1)
  }
  const [top] = [...(alone.size ? alone : all)].sort(([, a], [, b]) => b - a)
  return top && { plugin: top[0], nodes: top[1], alone: alone.size > 0 }
}
