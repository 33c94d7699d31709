import { byAge } from '../models/age.ts'
import { isPodReady, isPodTerminal } from '../models/pod-state.ts'
import type { DaemonSet, DaemonSetStatus } from '../models/types/apps-v1.ts'
import type { Node, Pod } from '../models/types/core-v1.ts'
import { belongsOn, hashOf, isOfTemplate, isUp, targetNode } from './daemon-set-pods.ts'
import { resolveFraction } from './fraction.ts'

export interface DaemonPlan {
  /** Nodes that get a pod. */
  create: string[]
  remove: Pod[]
  /** Ended by themselves: removed and replaced, those that failed at a slowing pace. */
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
  // Also where a daemon only may stay, as the node took a taint after it came.
  const sites = nodes
    .map(node => ({ node: node.metadata.name, wanted: belongsOn(set, node).shouldRun }))
    .filter(({ node, wanted }) => wanted || pods.get(node)?.length)
    .map(site => ({ ...site, ...pairOn(set, pods.get(site.node) ?? [], hash) }))
  const desired = sites.filter(s => s.wanted).length
  const maxSurge = surgeOf(set, desired)
  if (maxSurge) return planSurge(set, sites, nowMs, { desired, maxSurge })
  // None at all, and no surge, would be no update.
  const { maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {}
  const share = Math.max(resolveFraction(maxUnavailable, desired, 'up'), 1)
  let unavailable = 0
  const candidates: Pod[] = []
  for (const { fresh, old, crowded } of sites) {
    if (!crowded && !fresh && old && isUp(set, old, nowMs)) candidates.push(old)
    else if (crowded || !fresh || old || !isUp(set, fresh, nowMs)) unavailable++
    if (!crowded && !fresh && old && !isUp(set, old, nowMs)) plan.remove.push(old)
  }
  plan.remove.push(...candidates.slice(0, Math.max(share - unavailable, 0)))
  return plan
}

/** A node that has a daemon, or should. */
interface Site {
  node: string
  /** False: a daemon may stay, but none begins there. */
  wanted: boolean
  fresh?: Pod
  old?: Pod
  /** Too many, which is put in order first. */
  crowded: boolean
}

function planSurge(
  set: DaemonSet,
  sites: readonly Site[],
  nowMs: number,
  { desired, maxSurge }: { desired: number; maxSurge: number },
): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], ended: [] }
  let surging = 0
  let available = 0
  const candidates: string[] = []
  const unwanted: Pod[] = []
  for (const { node, wanted, fresh, old, crowded } of sites) {
    if (crowded) {
      surging++
      continue
    }
    const oldUp = !!old && isUp(set, old, nowMs)
    const freshUp = !!fresh && isUp(set, fresh, nowMs)
    if (old ? oldUp : freshUp) available++
    if (!old) continue
    if (fresh) {
      if (freshUp) plan.remove.push(old)
      else surging++
    } else if (!wanted) (oldUp ? unwanted : plan.remove).push(old)
    else (oldUp ? candidates : plan.create).push(node)
  }
  plan.create.push(...candidates.slice(0, Math.max(maxSurge - surging, 0)))
  // What serves where it does not belong goes once others serve in its stead.
  plan.remove.push(...unwanted.slice(0, Math.max(available - desired, 0)))
  return plan
}

/** What is not ending there: one pod of the present template, one of another. */
function pairOn(set: DaemonSet, there: readonly Pod[], hash: string): Pick<Site, 'fresh' | 'old' | 'crowded'> {
  const living = there.filter(p => !p.metadata.deletionTimestamp)
  const fresh = living.filter(p => isOfTemplate(set, p, hash))
  const old = living.filter(p => !fresh.includes(p))
  return {
    ...(fresh[0] ? { fresh: fresh[0] } : {}),
    ...(old[0] ? { old: old[0] } : {}),
    crowded: fresh.length > 1 || old.length > 1,
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
    if (isOfTemplate(set, oldest!, hash)) status.updatedNumberScheduled!++
  }
  status.numberUnavailable = status.desiredNumberScheduled - status.numberAvailable!
  if (set.status?.collisionCount) status.collisionCount = set.status.collisionCount
  if (set.status?.conditions?.length) status.conditions = set.status.conditions
  return status
}
