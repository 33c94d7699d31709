import type { Active } from '../class-plan.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { NodeView } from '../snapshot.ts'

export interface Reason {
  by: Active
  reason: string
}

/** All that one node has against a pod. */
export interface Refused {
  node: NodeView
  /** In the order of the profile; the first is the one that events count. The very same list for all nodes that say the same. */
  reasons: readonly Reason[]
}

/** Lists of reasons, each made once: thousands of nodes say a few things. */
class Said {
  readonly reasons: readonly Reason[]
  readonly #longer = new Map<Active, Map<string, Said>>()
  /** Nodes in a row are often refused alike. */
  #last: Said | undefined

  constructor(reasons: readonly Reason[] = []) {
    this.reasons = reasons
  }

  and(by: Active, reason: string): Said {
    const last = this.#last?.reasons.at(-1)
    if (last?.by === by && last.reason === reason) return this.#last!
    let ofPlugin = this.#longer.get(by)
    if (!ofPlugin) this.#longer.set(by, (ofPlugin = new Map()))
    let longer = ofPlugin.get(reason)
    if (!longer) ofPlugin.set(reason, (longer = new Said([...this.reasons, { by, reason }])))
    this.#last = longer
    return longer
  }
}

/** What every node says, each rule asked whatever the others said. @returns nodes that refuse, and those that fit */
export function askAll(actives: readonly Active[], state: ClusterState): { refused: Refused[]; fitting: NodeView[] } {
  // What is said of all nodes alike is asked once.
  const filters = actives
    .filter(a => a.plugin.filter ?? a.plugin.refuseAll)
    .map(by => ({ by, state: by.state, plugin: by.plugin, ofAll: by.plugin.refuseAll?.(by.state) }))
  const refused: Refused[] = []
  const fitting: NodeView[] = []
  const nothing = new Said()
  for (const node of state.nodes) {
    let all = nothing
    for (const { by, plugin, state: prepared, ofAll } of filters) {
      const said = ofAll ?? plugin.filter?.(prepared, node)
      if (typeof said === 'string') all = all.and(by, said)
      else if (said) for (const reason of said) all = all.and(by, reason)
    }
    if (all === nothing) fitting.push(node)
    else refused.push({ node, reasons: all.reasons })
  }
  return { refused, fitting }
}

/** The plugin that alone refuses the most nodes, else the one that refuses most. */
export function bindingConstraint(refused: readonly Refused[]) {
  const alone = new Map<Active, number>()
  const all = new Map<Active, number>()
  const count = (counts: Map<Active, number>, by: Active, nodes: number) =>
    counts.set(by, (counts.get(by) ?? 0) + nodes)
  for (const [reasons, nodes] of countBy(refused)) {
    const plugins = new Set(reasons.map(r => r.by))
    for (const by of plugins) {
      if (plugins.size === 1) count(alone, by, nodes)
      count(all, by, nodes)
    }
  }
  const [top] = [...(alone.size ? alone : all)].sort(([, a], [, b]) => b - a)
  return top && { plugin: top[0].plugin.name, nodes: top[1], alone: alone.size > 0 }
}

/** How many nodes say what, in the order in which it was said first. */
function countBy(refused: readonly Refused[]): Map<readonly Reason[], number> {
  const counts = new Map<readonly Reason[], number>()
  let at = 0
  while (at < refused.length) {
    const { reasons } = refused[at]!
    const from = at
    while (at < refused.length && refused[at]!.reasons === reasons) at++
    counts.set(reasons, (counts.get(reasons) ?? 0) + at - from)
  }
  return counts
}
