import { conditionOfTaint, tolerates } from '../../models/taints.ts'
import type { Node, Pod, Taint } from '../../models/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../models/types/policy-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { Decider, Decision } from '../decider.ts'
import type { PodInfo } from '../pod-class.ts'
import { findEviction } from '../preemption.ts'
import type { NodeView } from '../snapshot.ts'
import type { ClusterChange } from './explanation.ts'
import type { Refused } from './refusals.ts'

/** More nodes than this are not tried one after the other. */
const mostTries = 3

const onlyBy = ({ reasons }: Refused, ...plugins: string[]) => reasons.every(r => plugins.includes(r.by.plugin.name))

/** A node that only taints, or a cordon, keep from the pod: taken away, and tried. */
export function openNode(info: PodInfo, refused: readonly Refused[], state: ClusterState, decider: Decider) {
  const closed = refused.filter(r => onlyBy(r, 'TaintToleration', 'NodeUnschedulable'))
  for (const { node } of closed.slice(0, mostTries)) {
    const hinders = (t: Taint) => t.effect !== 'PreferNoSchedule' && !tolerates(info.pod.spec.tolerations, t)
    const taints = (node.node.spec?.taints ?? []).filter(hinders)
    const opened = openedNode(node.node, hinders)
    if (!state.withNode(opened, accepts(info, decider))) continue
    const words = [...new Set(taints.map(t => howToLose(t, node.node)))]
    if (node.node.spec?.unschedulable) words.unshift(`uncordon ${node.name}`)
    const removeTaints = taints.map(({ key, value, effect }) => ({ key, ...(value ? { value } : {}), effect }))
    return {
      of: 'cluster',
      text: words.join(' and '),
      node: node.name,
      ...(removeTaints.length ? { removeTaints } : {}),
      ...(node.node.spec?.unschedulable ? { uncordon: true } : {}),
    } satisfies ClusterChange
  }
  return undefined
}

/** A taint that stands for what its node says of itself is back at once: the node is to be mended. */
function howToLose({ key, value }: Taint, { metadata: { name }, status }: Node): string {
  const type = conditionOfTaint[key]
  if (!type) return `remove taint {${key}: ${value ?? ''}} from ${name}`
  const { message } = status?.conditions?.find(condition => condition.type === type) ?? {}
  return `mend node ${name}, which ${type === 'Ready' ? 'is not Ready' : `has ${type}`}${message ? ` (${message})` : ''}`
}

export function openedNode(node: Node, hinders: (taint: Taint) => boolean): Node {
  const { unschedulable: _, taints = [], ...spec } = node.spec ?? {}
  return { ...node, spec: { ...spec, taints: taints.filter(t => !hinders(t)) } }
}

/** Less important pods, as preemption would choose them. */
export function makeRoom(
  info: PodInfo,
  decision: Decision,
  state: ClusterState,
  decider: Decider,
  budgets: readonly PodDisruptionBudget[],
): ClusterChange | undefined {
  if (decision.node || !state.priorities.hasBelow(info.priority)) return undefined
  const { eviction } = findEviction(info, decision, state, decider, budgets)
  if (!eviction) return undefined
  const evict = eviction.victims.map(({ key, priority }) => ({ namespace: key.namespace!, name: key.name, priority }))
  const names = evict.map(v => `${v.namespace}/${v.name} (priority ${v.priority})`)
  return {
    of: 'cluster',
    text: `evict ${names.join(', ')} from ${eviction.node.name}`,
    node: eviction.node.name,
    evict,
  }
}

/** One more node, empty, like one of those there are: the first few shapes that differ are tried. */
export function addNode(
  info: PodInfo,
  refused: readonly Refused[],
  state: ClusterState,
  decider: Decider,
): ClusterChange | undefined {
  const tried = new Set<string>()
  for (const { node } of theHopefulFirst(refused)) {
    const shape = shapeOf(node.node)
    if (tried.has(shape)) continue
    if (tried.add(shape).size > mostTries) break
    const copy = copyOf(node.node)
    if (state.withNode(copy, accepts(info, decider)))
      return { of: 'cluster', text: `one node like ${node.name}`, node: copy.metadata.name, addNodeLike: node.name }
  }
  return undefined
}

/** What would be in the way on another node of the kind too. */
const ofTheKind = new Set(['NodeUnschedulable', 'TaintToleration', 'NodeAffinity', 'NodeName'])

/** What another node of the kind would not have in its way counts for it. */
function hopeOf(reasons: Refused['reasons']): number {
  let hope = 0
  for (const { by } of reasons) if (ofTheKind.has(by.plugin.name)) hope--
  return Math.max(hope, -ofTheKind.size)
}

/** In their order among those of equal hope. Mostly the first few are all that is asked for: nothing is sorted. */
function* theHopefulFirst(refused: readonly Refused[]): Generator<Refused> {
  // Nodes that say the same have one list.
  const hopes = new Map<Refused['reasons'], number>()
  for (const { reasons } of refused) if (!hopes.has(reasons)) hopes.set(reasons, hopeOf(reasons))
  for (let hope = 0; hope >= -ofTheKind.size; hope--)
    for (const one of refused) if (hopes.get(one.reasons) === hope) yield one
}

const shapes = new WeakMap<Node, string>()

function shapeOf(node: Node): string {
  let shape = shapes.get(node)
  if (shape === undefined) {
    const { 'kubernetes.io/hostname': _, ...labels } = node.metadata.labels ?? {}
    shape = JSON.stringify([labels, node.spec?.taints, node.spec?.unschedulable, node.status?.allocatable])
    shapes.set(node, shape)
  }
  return shape
}

export function copyOf(node: Node): Node {
  const name = `one-more-like-${node.metadata.name}`
  const labels = { ...node.metadata.labels, 'kubernetes.io/hostname': name }
  return { ...node, metadata: { ...node.metadata, name, uid: name, labels } }
}

/** Whether the node takes the pod: then it is placed, there or on one that is better. */
export const accepts = (info: PodInfo, decider: Decider) => (node: NodeView) =>
  decider.checkerWithPromised(info)(node) === undefined

/** The pod under a name of its own, so that nothing that is remembered of the real one is mixed up with it. */
export const asOther = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, uid: `${pod.metadata.uid}-changed` },
})
