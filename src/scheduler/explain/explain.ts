import type { Pod } from '../../models/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../models/types/policy-v1.ts'
import { type Active, hasScores } from '../class-plan.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { Decider } from '../decider.ts'
import type { PodInfo } from '../pod-class.ts'
import { scoreNodes } from '../scoring.ts'
import type { NodeView } from '../snapshot.ts'
import { accepts, addNode, asOther, makeRoom, openNode } from './cluster-repairs.ts'
import type { Change, Explanation, NodeScore, PodChange, Refusal } from './explanation.ts'
import { repairFor, roughCosts } from './pod-repairs.ts'
import { askAll, bindingConstraint, type Refused } from './refusals.ts'

/** Nodes beyond this are counted, not listed. */
const mostNodes = 500
const mostExamples = 10
/** Nodes for which changes of the pod are really tried. */
const mostRepairs = 5
const otherScores = 3

export interface Explainer {
  state: ClusterState
  decider: Decider
  budgets: readonly PodDisruptionBudget[]
}

/** Asks the scheduler's own rules about one pod, on the state as it is now. Leaves the state as it was. */
export function explainPod(pod: Pod, world: Explainer): Explanation {
  const { state, decider } = world
  const { name, namespace, uid } = pod.metadata
  const node = pod.spec.nodeName ? state.byName(pod.spec.nodeName) : undefined
  const placed = node?.placed.find(p => p.uid === uid)
  const { nodeName: _, ...spec } = pod.spec
  const info = placed ?? state.classes.admit({ ...pod, spec })
  const base = {
    apiVersion: 'optiflow.dev/v1' as const,
    kind: 'PodExplanation' as const,
    metadata: { name, ...(namespace ? { namespace } : {}), uid },
    nodes: state.nodes.length,
  }
  try {
    if (placed && node) return { ...base, ...explainPlaced(placed, node, state, decider) }
    return { ...base, ...explainPending(info, world) }
  } finally {
    if (!placed) state.classes.release(info)
  }
}

type Said = Omit<Explanation, 'apiVersion' | 'kind' | 'metadata' | 'nodes'>

function explainPending(info: PodInfo, world: Explainer): Said {
  const { state, decider } = world
  const { refused, fitting } = askAll(decider.actives(info), state)
  const gates = info.pod.spec.schedulingGates ?? []
  const constraint = bindingConstraint(refused)
  const found = gates.length ? [] : findChanges(info, refused, world)
  const changes = found.map(({ pod: _, ...change }) => change)
  const said = {
    fitting: fitting.length,
    refusals: group(refused),
    ...(constraint ? { bindingConstraint: constraint } : {}),
    changes,
    byNode: refused.slice(0, mostNodes).map(nodeRefusal),
  }
  if (gates.length) {
    const names = gates.map(g => g.name).join(', ')
    return { ...said, state: 'Gated', summary: `waits until its scheduling gates are removed: ${names}` }
  }
  const nodes = state.nodes.length
  const summary = fitting.length
    ? `fits on ${fitting.length} of ${nodes} nodes now`
    : `fits on none of ${nodes} nodes${constraint ? `; what binds is ${constraint.plugin}` : ''}`
  const [smallest] = changes
  return { ...said, state: 'Pending', summary: smallest ? `${summary}. Smallest change: ${smallest.text}` : summary }
}

function explainPlaced(info: PodInfo, node: NodeView, state: ClusterState, decider: Decider): Said {
  return state.speculate(() => {
    // As if it were to be placed now.
    state.removePod(info, node.name)
    const { nodeName: _, ...spec } = info.pod.spec
    const free = state.classes.admit({ ...info.pod, spec })
    try {
      const { refused, fitting } = askAll(decider.actives(free), state)
      const scores = scoresOf(free, fitting.includes(node) ? fitting : [node, ...fitting], node, decider)
      const better = scores.filter(s => s.total > scores[0]!.total).length
      const rank = better ? `; ${better} of the others would score higher today` : ''
      return {
        state: 'Placed',
        summary: `is on ${node.name}; ${fitting.length} of ${state.nodes.length} nodes would take it now${rank}`,
        fitting: fitting.length,
        refusals: group(refused),
        changes: [],
        byNode: refused.slice(0, mostNodes).map(nodeRefusal),
        scores,
      }
    } finally {
      state.classes.release(free)
      state.addPod(info, node.name)
    }
  })
}

function scoresOf(info: PodInfo, nodes: NodeView[], chosen: NodeView, decider: Decider): NodeScore[] {
  const table: NodeScore[] = nodes.map(n => ({ node: n.name, chosen: n === chosen, total: 0, plugins: {} }))
  const scores = new Float64Array(nodes.length)
  for (const active of decider.actives(info).filter(hasScores)) {
    scoreNodes(active, nodes, scores)
    for (const [i, row] of table.entries()) {
      row.plugins[active.plugin.name] = active.weight * scores[i]!
      row.total += active.weight * scores[i]!
    }
  }
  const others = table.filter(r => !r.chosen).sort((a, b) => b.total - a.total)
  return [...table.filter(r => r.chosen), ...others.slice(0, otherScores)]
}

/** With the pod as it would be, where that is the change. */
export type TriedChange = Change & { pod?: Pod }

/** Changes that let the pod in, each tried with the scheduler's own rules, the smallest first. */
export function findChanges(
  info: PodInfo,
  refused: readonly Refused[],
  { state, decider, budgets }: Explainer,
): TriedChange[] {
  const decision = decider.decide(info)
  if (decision.node) return []
  const changes: { change: TriedChange; cost: number }[] = []
  const add = (change: TriedChange | undefined, cost: number) => {
    if (change) changes.push({ change, cost })
  }
  for (const { cost, ...change } of podChanges(info, refused, state, decider)) add(change, cost)
  add(openNode(info, refused, state, decider), 0.8)
  add(makeRoom(info, decision, state, decider, budgets), 0.9)
  add(addNode(info, refused, state, decider), 2)
  return changes.sort((a, b) => a.cost - b.cost).map(c => c.change)
}

/** The cheapest change of the pod that works, for the few nodes that want the least. */
function podChanges(info: PodInfo, refused: readonly Refused[], state: ClusterState, decider: Decider) {
  const nearest = cheapest(refused, mostRepairs, roughCosts(info.class, state))
  const found: (PodChange & { cost: number; pod: Pod })[] = []
  for (const r of nearest) {
    const repair = repairFor(info.pod, r, state)
    if (!repair || found.some(f => f.cost <= repair.cost)) continue
    const changed = state.classes.admit(asOther(repair.pod))
    const fits = accepts(changed, decider)(r.node)
    state.classes.release(changed)
    if (!fits) continue
    const text = repair.words.join(', ')
    const requests = repair.requests.length ? { requests: repair.requests } : {}
    found.push({ of: 'pod', text, node: r.node.name, cost: repair.cost, pod: repair.pod, ...requests })
  }
  return found.sort((a, b) => a.cost - b.cost).slice(0, 1)
}

/** The few that cost least, in that order, without sorting all; not those that cost more than anything. */
function cheapest<T>(all: readonly T[], count: number, costOf: (one: T) => number): T[] {
  const best: { one: T; cost: number }[] = []
  for (const one of all) {
    const cost = costOf(one)
    if (cost === Number.POSITIVE_INFINITY || (best.length === count && cost >= best.at(-1)!.cost)) continue
    const at = best.findIndex(b => cost < b.cost)
    best.splice(at < 0 ? best.length : at, 0, { one, cost })
    best.length = Math.min(best.length, count)
  }
  return best.map(b => b.one)
}

function group(refused: readonly Refused[]): Refusal[] {
  const groups = new Map<Active, Map<string, Refusal>>()
  const known = new Map<Refused['reasons'], { all: Refusal[]; ofFirst: number }>()
  for (const { node, reasons } of refused) {
    let said = known.get(reasons)
    if (!said) {
      const all = reasons.map(({ by, reason }) => refusalIn(groups, by, reason))
      known.set(reasons, (said = { all, ofFirst: reasons.filter(r => r.by === reasons[0]!.by).length }))
    }
    for (const [i, refusal] of said.all.entries()) {
      refusal.nodes++
      if (i < said.ofFirst) refusal.first++
      if (refusal.examples.length < mostExamples) refusal.examples.push(node.name)
    }
  }
  return [...groups.values()].flatMap(g => [...g.values()]).sort((a, b) => b.nodes - a.nodes)
}

function refusalIn(groups: Map<Active, Map<string, Refusal>>, by: Active, reason: string): Refusal {
  let ofPlugin = groups.get(by)
  if (!ofPlugin) groups.set(by, (ofPlugin = new Map()))
  let refusal = ofPlugin.get(reason)
  if (!refusal) ofPlugin.set(reason, (refusal = { plugin: by.plugin.name, reason, nodes: 0, first: 0, examples: [] }))
  return refusal
}

function nodeRefusal({ node, reasons }: Refused) {
  const [first, ...others] = reasons.map(r => r.reason)
  return { node: node.name, first: first!, ...(others.length ? { others } : {}) }
}
