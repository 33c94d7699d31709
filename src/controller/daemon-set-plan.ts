import { isPodReady, isPodTerminal } from '../models/pod-state.ts'
import type { DaemonSet, DaemonSetStatus } from '../models/types/apps-v1.ts'
import type { Node, Pod } from '../models/types/core-v1.ts'
import { belongsOn, hashOf, isUp, targetNode } from './daemon-set-pods.ts'
import { resolveFraction } from './fraction.ts'

export interface DaemonPlan {
  /** Nodes that get a pod. */
  create: string[]
  remove: Pod[]
  /** Ended by themselves: removed, at a slowing pace, and replaced. */
  ended: Pod[]
}

export type PodsByNode = ReadonlyMap<string, Pod[]>

export function podsByNode(pods: readonly Pod[]): PodsByNode {
  const map = new Map<string, Pod[]>()
  for (const pod of [...pods].sort(byAge)) {
    // It has ended and is only held by somebody's finalizer: its node is free.
    if (pod.metadata.deletionTimestamp && isPodTerminal(pod)) continue
    const node = targetNode(pod)
    const there = map.get(node)
    if (there) there.push(pod)
    else map.set(node, [pod])
  }
  return map
}

const created = (p: Pod) => p.metadata.creationTimestamp ?? ''
const byAge = (a: Pod, b: Pod) =>
  created(a) === created(b) ? (a.metadata.name < b.metadata.name ? -1 : 1) : created(a) < created(b) ? -1 : 1

/** One pod on each node it belongs on, none elsewhere. Whether a pod is of the present template does not matter here. */
export function planPresence(
  set: DaemonSet,
  nodes: readonly Node[],
  pods: PodsByNode,
  hash: string,
  nowMs: number,
): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], ended: [] }
  const known = new Set(nodes.map(n => n.metadata.name))
  // Meant for a node that is gone, and on none: nobody will ever bind it.
  for (const [name, there] of pods)
    if (!known.has(name)) plan.remove.push(...there.filter(p => !p.spec?.nodeName && !p.metadata.deletionTimestamp))
  for (const node of nodes) {
    const there = pods.get(node.metadata.name) ?? []
    const { shouldRun, mayContinue } = belongsOn(set, node)
    if (shouldRun && !there.length) plan.create.push(node.metadata.name)
    else if (mayContinue) {
      const left = keepOne(set, there, plan, hash, nowMs)
      // With a surge nobody waits for the old pod to be gone.
      if (shouldRun && !left && surgeOf(set, 1)) plan.create.push(node.metadata.name)
    } else plan.remove.push(...there.filter(p => !p.metadata.deletionTimestamp))
  }
  return plan
}

/** Beside each other only while one replaces the other with a surge. @returns how many there are that neither end nor have ended */
function keepOne(set: DaemonSet, there: readonly Pod[], plan: DaemonPlan, hash: string, nowMs: number): number {
  const running: Pod[] = []
  for (const pod of there) {
    if (pod.metadata.deletionTimestamp) continue
    if (isPodTerminal(pod)) plan.ended.push(pod)
    else running.push(pod)
  }
  if (running.length < 2) return running.length
  if (!surgeOf(set, 1)) {
    plan.remove.push(...running.slice(1))
    return running.length
  }
  const fresh = running.filter(p => hashOf(p) === hash)
  const old = running.filter(p => hashOf(p) !== hash)
  plan.remove.push(...fresh.slice(1), ...old.slice(1))
  // An old one that serves nobody is not worth keeping.
  if (fresh[0] && old[0] && (!isPodReady(old[0]) || isUp(set, fresh[0], nowMs))) plan.remove.push(old[0])
  return running.length
}

function surgeOf(set: DaemonSet, desired: number): number {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {}
  return type === 'OnDelete' ? 0 : resolveFraction(rollingUpdate?.maxSurge ?? 0, desired, 'up')
}

/** Which old pods may be replaced now: those that serve nobody at once, others as far as enough stay. */
export function planRollout(
  set: DaemonSet,
  nodes: readonly Node[],
  pods: PodsByNode,
  hash: string,
  nowMs: number,
): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], ended: [] }
  if (set.spec.updateStrategy?.type === 'OnDelete') return plan
  const here = nodes.filter(n => belongsOn(set, n).shouldRun)
  const maxSurge = surgeOf(set, here.length)
  if (maxSurge) return planSurge(set, here, pods, hash, nowMs, maxSurge)
  // None at all, and no surge, would be no update.
  const { maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {}
  const share = Math.max(resolveFraction(maxUnavailable, here.length, 'up'), 1)
  let unavailable = 0
  const candidates: Pod[] = []
  for (const node of here) {
    const { fresh, old, crowded } = pairOn(pods.get(node.metadata.name) ?? [], hash)
    if (crowded) continue
    if (fresh) {
      if (!isUp(set, fresh, nowMs)) unavailable++
    } else if (old) {
      if (old.metadata.deletionTimestamp) unavailable++
      else if (!isUp(set, old, nowMs)) {
        unavailable++
        plan.remove.push(old)
      } else candidates.push(old)
    } else unavailable++
  }
  plan.remove.push(...candidates.slice(0, Math.max(share - unavailable, 0)))
  return plan
}

function planSurge(
  set: DaemonSet,
  nodes: readonly Node[],
  pods: PodsByNode,
  hash: string,
  nowMs: number,
  maxSurge: number,
): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], ended: [] }
  let surging = 0
  const candidates: string[] = []
  for (const { metadata } of nodes) {
    const { fresh, old, crowded } = pairOn(pods.get(metadata.name) ?? [], hash)
    if (crowded || !old) continue
    if (!fresh) {
      if (isUp(set, old, nowMs)) candidates.push(metadata.name)
      else if (!old.metadata.deletionTimestamp) plan.create.push(metadata.name)
    } else if (isUp(set, fresh, nowMs)) {
      if (!old.metadata.deletionTimestamp) plan.remove.push(old)
    } else surging++
  }
  plan.create.push(...candidates.slice(0, Math.max(maxSurge - surging, 0)))
  return plan
}

function pairOn(there: readonly Pod[], hash: string): { fresh?: Pod; old?: Pod; crowded: boolean } {
  const fresh = there.filter(p => hashOf(p) === hash && !p.metadata.deletionTimestamp)
  const old = there.filter(p => hashOf(p) !== hash)
  const running = old.filter(p => !p.metadata.deletionTimestamp)
  const oldest = running[0] ?? old[0]
  return {
    ...(fresh[0] ? { fresh: fresh[0] } : {}),
    ...(oldest ? { old: oldest } : {}),
    crowded: fresh.length > 1 || running.length > 1,
  }
}

export function daemonSetStatus(
  set: DaemonSet,
  nodes: readonly Node[],
  pods: PodsByNode,
  hash: string,
  nowMs: number,
): DaemonSetStatus {
  const status: DaemonSetStatus = {
    desiredNumberScheduled: 0,
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
    updatedNumberScheduled: 0,
    numberAvailable: 0,
    observedGeneration: set.metadata.generation ?? 0,
  }
  for (const node of nodes) {
    const there = pods.get(node.metadata.name) ?? []
    const { shouldRun } = belongsOn(set, node)
    if (!shouldRun) {
      if (there.length) status.numberMisscheduled++
      continue
    }
    status.desiredNumberScheduled++
    if (!there.length) continue
    status.currentNumberScheduled++
    const oldest = there.find(p => p.spec?.nodeName) ?? there[0]
    if (isPodReady(oldest!)) {
      status.numberReady++
      if (isUp(set, oldest!, nowMs)) status.numberAvailable!++
    }
    if (hashOf(oldest!) === hash) status.updatedNumberScheduled!++
  }
  status.numberUnavailable = status.desiredNumberScheduled - status.numberAvailable!
  if (set.status?.collisionCount) status.collisionCount = set.status.collisionCount
  if (set.status?.conditions?.length) status.conditions = set.status.conditions
  return status
}
