import type { Active, Refusal, Refusals } from './class-plan.ts'
import type { ClusterState } from './cluster-state.ts'
import { type FitFailure, namedNodes, type RefusalGroup } from './fit-failure.ts'
import type { PodInfo } from './pod-class.ts'
import type { NodeView } from './snapshot.ts'

/** No node will do. */
export interface Unfit {
  node: undefined
  failure: FitFailure
  /** Each node that might do if pods made room. To be asked for before anything changes. */
  evictable: readonly NodeView[]
  /** Each other node that Kubernetes would try to clear, in vain. */
  hopeless: readonly NodeView[]
  /** What such a node's rule would say with only these pods left there. */
  refusalWith(node: NodeView, left: readonly PodInfo[]): readonly string[]
  /** Holds for every pod of the class until something changes. */
  lasting: boolean
}

interface Tally {
  refusal: Refusal
  count: number
  nodes: string[]
}

/** One reason keeps the pod from all nodes alike. */
export function refusedEverywhere(plugin: string, reason: string, nodes: number): Unfit {
  const group = { plugin, reason, count: nodes, nodes: [] }
  const failure = { nodes, groups: [group], everywhere: reason, plugins: new Set([plugin]) }
  return { node: undefined, failure, evictable: [], hopeless: [], refusalWith: () => [], lasting: true }
}

/**
 * Refusals by node, as groups of one reason each; put together when somebody asks, who may do so later.
 * @param refused by row, the number of its refusal; 0 where there is none
 * @param named set if only nodes that plugins named were asked
 */
export function unfit(
  state: ClusterState,
  refused: Int32Array,
  refusals: Refusals,
  actives: readonly Active[],
  { named, lasting }: { named: boolean; lasting: boolean },
): Unfit {
  // The column is the decider's scratch.
  const rows = refused.slice()
  const { nodes } = state
  const by = named ? actives.filter(a => a.plugin.candidates?.(a.state)).map(a => a.plugin.name) : undefined
  let failure: FitFailure | undefined
  let cleared: ReturnType<typeof whereEvictionHelps> | undefined
  const clearing = () => (cleared ??= whereEvictionHelps(state, rows, refusals, actives))
  return {
    node: undefined,
    get failure() {
      return (failure ??= failureOf(nodes, rows, refusals, by))
    },
    get evictable() {
      return clearing().evictable
    },
    get hopeless() {
      return clearing().hopeless
    },
    refusalWith(node, left) {
      const { by } = refusals.get(rows[node.index]!)
      return by.refusalWith!(actives.find(a => a.plugin === by)?.state, node, left)
    },
    lasting,
  }
}

/** @param by names of the plugins that named the only nodes that were asked, if any did */
function failureOf(
  nodes: readonly NodeView[],
  refused: Int32Array,
  refusals: Refusals,
  by: string[] | undefined,
): FitFailure {
  const groups = new Map<string, RefusalGroup>()
  const plugins = new Set<string>()
  let asked = 0
  for (const { refusal, count, nodes: names } of tally(nodes, refused, refusals)) {
    asked += count
    plugins.add(refusal.by.name)
    for (const reason of refusal.reasons) note(groups, refusal.by.name, reason, count, names)
  }
  if (by) {
    const reason = `node(s) didn't satisfy plugin(s) [${by.sort().join(' ')}]`
    if (nodes.length > asked)
      groups.set(reason, { plugin: by[0] ?? '', reason, count: nodes.length - asked, nodes: [] })
    for (const name of by) plugins.add(name)
  }
  return { nodes: nodes.length, groups: [...groups.values()], plugins }
}

function whereEvictionHelps(state: ClusterState, refused: Int32Array, refusals: Refusals, actives: readonly Active[]) {
  const stateOf = new Map(actives.map(a => [a.plugin, a.state]))
  const evictable: NodeView[] = []
  const hopeless: NodeView[] = []
  for (const node of state.nodes) {
    const id = refused[node.index]!
    if (!id) continue
    const { by } = refusals.get(id)
    if (by.evictionHelps?.(stateOf.get(by), node)) evictable.push(node)
    else if (by.refusalWith) hopeless.push(node)
  }
  return { evictable, hopeless }
}

function tally(nodes: readonly NodeView[], refused: Int32Array, refusals: Refusals) {
  const byId = new Map<number, Tally>()
  let last = 0
  let one: Tally | undefined
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!
    const id = refused[node.index]!
    if (!id) continue
    // Nodes in a row are often refused alike.
    if (id !== last) {
      last = id
      one = byId.get(id)
      if (!one) byId.set(id, (one = { refusal: refusals.get(id), count: 0, nodes: [] }))
    }
    if (one!.count++ < namedNodes) one!.nodes.push(node.name)
  }
  return byId.values()
}

function note(groups: Map<string, RefusalGroup>, plugin: string, reason: string, count: number, nodes: string[]): void {
  const known = groups.get(reason)
  if (!known) {
    groups.set(reason, { plugin, reason, count, nodes: [...nodes] })
    return
  }
  known.count += count
  known.nodes = [...known.nodes, ...nodes].slice(0, namedNodes)
}
