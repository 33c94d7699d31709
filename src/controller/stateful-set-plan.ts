import type { StatefulSet, StatefulSetStatus } from '../models/types/apps-v1.ts'
import type { Pod } from '../models/types/core-v1.ts'
import {
  hasEnded,
  identityMatches,
  isAvailable,
  isCreated,
  isHealthy,
  isPending,
  isRunningAndReady,
  ordinalOf,
  revisionOfPod,
  startOf,
} from './stateful-set-pods.ts'

export type StatefulAction =
  | { type: 'create'; ordinal: number; revision: 'current' | 'update' }
  /** It ended by itself and must make room for its successor. */
  | { type: 'replace'; pod: Pod }
  | { type: 'relabel'; pod: Pod }
  /** It waits, perhaps for a claim that was taken from it. */
  | { type: 'claims'; ordinal: number }
  /** Scaled away, or of an old revision. */
  | { type: 'delete'; pod: Pod; why: 'scaled' | 'updated' }

export interface Revisions {
  /** Names. */
  current: string
  update: string
}

/** Its pods by ordinal: those that should be, and those that are too many, highest ordinal last. */
export function placed(set: StatefulSet, pods: readonly Pod[]): { wanted: (Pod | undefined)[]; condemned: Pod[] } {
  const [start, count] = [startOf(set), set.spec.replicas ?? 1]
  const wanted: (Pod | undefined)[] = Array.from({ length: count }, () => undefined)
  const condemned: Pod[] = []
  for (const pod of pods) {
    const at = ordinalOf(set, pod.metadata.name) - start
    if (at >= 0 && at < count) wanted[at] = pod
    else condemned.push(pod)
  }
  condemned.sort((a, b) => ordinalOf(set, a.metadata.name) - ordinalOf(set, b.metadata.name))
  return { wanted, condemned }
}

/** What may be done now: one thing at a time in order, everything at once with Parallel; updates always one at a time. */
export function planStatefulSet(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: Revisions,
  nowMs: number,
): StatefulAction[] {
  if (set.metadata.deletionTimestamp) return []
  const inOrder = set.spec.podManagementPolicy !== 'Parallel'
  const { wanted, condemned } = placed(set, pods)
  const actions: StatefulAction[] = []
  for (const [i, pod] of wanted.entries()) {
    const { action, wait } = lookAt(set, i, pod, nowMs)
    if (action) actions.push(action)
    if (pod && isPending(pod)) actions.push({ type: 'claims', ordinal: i + startOf(set) })
    if (inOrder && (wait || (action && action.type !== 'relabel'))) return actions
  }
  const firstUnhealthy = [...wanted, ...condemned].find(p => p && !isHealthy(p))
  for (const pod of [...condemned].reverse()) {
    if (pod.metadata.deletionTimestamp) {
      if (inOrder) return actions
      continue
    }
    // A pod that is itself the sick one need not become well before it goes.
    if (inOrder && !isAvailable(set, pod, nowMs) && pod !== firstUnhealthy) return actions
    actions.push({ type: 'delete', pod, why: 'scaled' })
    if (inOrder) return actions
  }
  if (set.spec.updateStrategy?.type === 'OnDelete' || actions.some(a => a.type !== 'relabel' && a.type !== 'claims'))
    return actions
  const update = planUpdate(set, wanted, revisions, nowMs)
  return update ? [...actions, update] : actions
}

function lookAt(
  set: StatefulSet,
  index: number,
  pod: Pod | undefined,
  nowMs: number,
): { action?: StatefulAction; wait?: boolean } {
  const ordinal = index + startOf(set)
  if (!pod) return { action: { type: 'create', ordinal, revision: index < partitionOf(set) ? 'current' : 'update' } }
  if (hasEnded(pod)) return pod.metadata.deletionTimestamp ? { wait: true } : { action: { type: 'replace', pod } }
  if (pod.metadata.deletionTimestamp) return { wait: true }
  const wait = !isRunningAndReady(pod) || !isAvailable(set, pod, nowMs)
  if (!identityMatches(set, pod)) return { action: { type: 'relabel', pod }, wait }
  return { wait }
}

export function partitionOf(set: StatefulSet): number {
  return set.spec.updateStrategy?.type === 'OnDelete' ? 0 : (set.spec.updateStrategy?.rollingUpdate?.partition ?? 0)
}

/** From the highest ordinal down: the first pod of an old revision goes, if all above it are well. */
function planUpdate(
  set: StatefulSet,
  wanted: readonly (Pod | undefined)[],
  revisions: Revisions,
  nowMs: number,
): StatefulAction | undefined {
  for (let i = wanted.length - 1; i >= partitionOf(set); i--) {
    const pod = wanted[i]
    if (!pod) return undefined
    if (revisionOfPod(pod) !== revisions.update && !pod.metadata.deletionTimestamp)
      return { type: 'delete', pod, why: 'updated' }
    if (!isHealthy(pod) || !isAvailable(set, pod, nowMs)) return undefined
  }
  return undefined
}

/** Counts, and which revision is the present one: the new one once all pods are of it and ready. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: Revisions,
  nowMs: number,
): StatefulSetStatus {
  const created = pods.filter(isCreated)
  const ofRevision = (name: string) =>
    created.filter(p => !p.metadata.deletionTimestamp && revisionOfPod(p) === name).length
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: created.length,
    readyReplicas: pods.filter(isRunningAndReady).length,
    availableReplicas: pods.filter(p => isAvailable(set, p, nowMs)).length,
    currentReplicas: ofRevision(revisions.current),
    updatedReplicas: ofRevision(revisions.update),
    currentRevision: revisions.current,
    updateRevision: revisions.update,
    collisionCount: set.status?.collisionCount ?? 0,
  }
  if (set.status?.conditions?.length) status.conditions = set.status.conditions
  const complete =
    set.spec.updateStrategy?.type !== 'OnDelete' &&
    status.updatedReplicas === status.replicas &&
    status.readyReplicas === status.replicas &&
    status.replicas === (set.spec.replicas ?? 1)
  if (complete) {
    status.currentReplicas = status.updatedReplicas!
    status.currentRevision = revisions.update
  }
  return status
}
