import { selectorFrom } from '../base/labels.ts'
import type { PodDisruptionBudget } from '../models/types/policy-v1.ts'
import { byName } from './chance.ts'
import type { ClusterState } from './cluster-state.ts'
import type { Decider, Unfit } from './decider.ts'
import { fitMessage } from './fit-failure.ts'
import type { EnoughCandidates } from './plugins/index.ts'
import type { PodInfo } from './pod-class.ts'
import { RowMemory } from './row-memory.ts'
import type { NodeView } from './snapshot.ts'

export interface Eviction {
  node: NodeView
  /** Those that must go, the most important first. */
  victims: readonly PodInfo[]
  /** How many of them their disruption budgets would keep. */
  violations: number
}

/** What preemption can do for a pod: make room, or say why it cannot. */
export type Preemption = { eviction: Eviction } | { eviction?: undefined; message: string }

const notHelpful = 'Preemption is not helpful for scheduling'
/** Room is being made for the pod already. */
export const waitsForVictims = 'not eligible due to a terminating pod on the nominated node.'
const noVictims = ['No preemption victims found for incoming pod']

/** Among that many there is a good one. */
const usuallyEnough: EnoughCandidates = { percent: 0, nodes: 100 }

/**
 * Finds the node where the least important pods must go for `info` to fit. A node is considered only if the pod is seen to fit
 * there once they are gone, so nobody is evicted in vain. Changes nothing.
 */
export function findEviction(
  info: PodInfo,
  unfit: Unfit,
  state: ClusterState,
  decider: Decider,
  budgets: readonly PodDisruptionBudget[],
): Preemption {
  if (info.pod.spec.preemptionPolicy === 'Never') return { message: 'not eligible due to preemptionPolicy=Never.' }
  if (hasVictims(decider.promisedNode(info), info, unfit, state)) return { message: waitsForVictims }

  const reasons = new Map<string, number>()
  const nodes = state.nodes.length
  const note = (reason: string, count = 1) => reasons.set(reason, (reasons.get(reason) ?? 0) + count)
  const { evictable, hopeless } = unfit
  const tried = evictable.length + hopeless.length
  if (nodes > tried) note(notHelpful, nodes - tried)
  if (!state.priorities.hasBelow(info.priority)) {
    if (tried) note(noVictims[0]!, tried)
    return { message: fitMessage(nodes, reasons) }
  }
  const candidates: Candidate[] = []
  const { percent, nodes: least } = decider.profile.enoughCandidates ?? usuallyEnough
  const enough = Math.max(Math.floor((evictable.length * percent) / 100), least)
  let harmless = false
  const check = decider.checkerWithPromised(info)
  const known = knownClearings(info, state, decider, budgets)
  // Where there are more than need be, from a place of the pod's own: the first are not asked by all, again and again.
  const start = evictable.length > enough ? Math.floor(byName(info) * evictable.length) : 0
  for (let i = 0; i < evictable.length; i++) {
    const node = evictable[i + start < evictable.length ? i + start : i + start - evictable.length]!
    const before = known?.find(node)
    const found = before ?? clear(node, info, state, check, budgets)
    if (!before) known?.note(node, found)
    if (isRefusal(found)) {
      for (const reason of found) note(reason)
      continue
    }
    harmless ||= !found.violations
    if (candidates.push(found) >= enough && harmless) break
  }
  if (!candidates.length) {
    for (const node of hopeless) {
      const left = node.placed.filter(p => p.priority >= info.priority)
      const promised = decider.promisedOn(node).filter(p => p.uid !== info.uid && p.priority >= info.priority)
      const refusal = left.length < node.placed.length ? unfit.refusalWith(node, [...left, ...promised]) : noVictims
      for (const reason of refusal) note(reason)
    }
    return { message: fitMessage(nodes, reasons) }
  }
  return { eviction: candidates.reduce((best, c) => (better(c, best) ? c : best)) }
}

/** Room is being made for it already, on a node where that still helps: more victims would be in vain. */
function hasVictims(nominated: string | undefined, info: PodInfo, unfit: Unfit, state: ClusterState): boolean {
  const node = nominated ? state.byName(nominated) : undefined
  if (!node || !unfit.evictable.includes(node)) return false
  return node.placed.some(p => p.priority < info.priority && isPreempted(p))
}

/** It ends for a more important pod, and not for a reason of its own. */
function isPreempted({ pod: { metadata, status } }: PodInfo): boolean {
  const condition = status?.conditions?.find(c => c.type === 'DisruptionTarget')
  const preempted = condition?.status === 'True' && condition.reason === 'PreemptionByScheduler'
  return metadata.deletionTimestamp !== undefined && preempted
}

/** An eviction, with what it is compared by: each is one of many candidates, for one pod of a class after the other. */
interface Candidate extends Eviction {
  /** Of the most important victim; -Infinity where there is none. */
  mostImportant: number
  /** Of all victims together. Priorities may be negative: shifted, so that more victims are never the lesser evil. */
  importance: number
  /** When the oldest of the most important victims started. */
  earliestStart: string
}

/** What clearing a node takes, or why it does not help. */
type Clearing = Candidate | Refusal
type Refusal = readonly string[]

const isRefusal = (found: Clearing): found is Refusal => Array.isArray(found)

/** A clearing, and to whom room on the node was promised then. */
interface KnownClearing {
  found: Clearing
  promised: readonly PodInfo[]
}

const memories = new WeakMap<Decider, RowMemory<KnownClearing>>()

/**
 * What is known of nodes from earlier pods of the class: one that comes after another looks again only where something has
 * happened. Undefined where the answer for one node may lie in others, or in the pod itself.
 */
function knownClearings(info: PodInfo, state: ClusterState, decider: Decider, budgets: readonly PodDisruptionBudget[]) {
  if (info.personal || state.speculating || !decider.asksNodesAlone(info)) return undefined
  let memory = memories.get(decider)
  if (!memory) memories.set(decider, (memory = new RowMemory(state)))
  const byRow = memory.of(info.class.id, [decider.profile, ...budgets])
  // What is promised to the pod itself is in nobody's way but others'.
  const own = (promised: readonly PodInfo[]) => promised.some(p => p.uid === info.uid)
  return {
    find(node: NodeView): Clearing | undefined {
      const known = byRow[node.index]
      return known && !own(known.promised) && samePods(known.promised, decider.promisedOn(node))
        ? known.found
        : undefined
    },
    note(node: NodeView, found: Clearing): void {
      const promised = decider.promisedOn(node)
      if (!own(promised)) byRow[node.index] = { found, promised }
    },
  }
}

const samePods = (a: readonly PodInfo[], b: readonly PodInfo[]) =>
  a.length === b.length && a.every((p, i) => p === b[i])

/** The fewest, least important pods without which `info` fits on the node; or why there are none. */
function clear(
  node: NodeView,
  info: PodInfo,
  state: ClusterState,
  check: (node: NodeView) => readonly string[] | undefined,
  budgets: readonly PodDisruptionBudget[],
): Clearing {
  if (!node.placed.some(p => p.priority < info.priority)) return noVictims
  const lower = node.placed.filter(p => p.priority < info.priority)
  return state.speculate(() => {
    const away = new Set(lower)
    for (const pod of lower) state.removePod(pod, node.name)
    try {
      const still = check(node)
      if (still) return still
      const { violating, others } = splitByBudget(lower.sort(moreImportant), budgets)
      const staysOut = (pod: PodInfo) => {
        state.addPod(pod, node.name)
        if (!check(node)) {
          away.delete(pod)
          return false
        }
        state.removePod(pod, node.name)
        return true
      }
      // Those whose budget would be broken get the first chance to stay.
      const violated = violating.filter(staysOut)
      const victims = [...violated, ...others.filter(staysOut)].sort(moreImportant)
      return candidate(node, victims, violated.length)
    } finally {
      for (const pod of away) state.addPod(pod, node.name)
    }
  })
}

function moreImportant(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  return startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0
}

/** RFC 3339 texts compare as their times do. A pod that has not started is as young as can be. */
const startOf = ({ pod }: PodInfo) => pod.status?.startTime ?? '9999'

function splitByBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]) {
  const left = budgets.map(b => ({
    budget: b,
    selector: selectorFrom(b.spec.selector),
    allowed: b.status?.disruptionsAllowed ?? 0,
  }))
  const violating: PodInfo[] = []
  const others: PodInfo[] = []
  for (const pod of pods) {
    let violates = false
    for (const one of left) {
      const { metadata, status } = one.budget
      if (metadata.namespace !== pod.class.namespace || !one.selector.matches(pod.class.labels)) continue
      // On its way out already, and counted.
      if (status?.disruptedPods && Object.hasOwn(status.disruptedPods, pod.key.name)) continue
      if (--one.allowed < 0) violates = true
    }
    ;(violates ? violating : others).push(pod)
  }
  return { violating, others }
}

/** @param victims the most important first */
function candidate(node: NodeView, victims: readonly PodInfo[], violations: number): Candidate {
  const mostImportant = victims[0]?.priority ?? Number.NEGATIVE_INFINITY
  let importance = 0
  let earliestStart = '9999'
  for (const victim of victims) {
    importance += victim.priority + 2 ** 31
    const start = startOf(victim)
    if (victim.priority === mostImportant && start < earliestStart) earliestStart = start
  }
  return { node, victims, violations, mostImportant, importance, earliestStart }
}

/** Fewer broken budgets; then a less important first victim; then less importance in all; then fewer; then younger ones. */
function better(a: Candidate, b: Candidate): boolean {
  if (a.violations !== b.violations) return a.violations < b.violations
  if (a.mostImportant !== b.mostImportant) return a.mostImportant < b.mostImportant
  if (a.importance !== b.importance) return a.importance < b.importance
  if (a.victims.length !== b.victims.length) return a.victims.length < b.victims.length
  return a.earliestStart > b.earliestStart
}
