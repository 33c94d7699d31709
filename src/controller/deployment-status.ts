import { conditionOf, withCondition, withoutCondition } from '../models/conditions.ts'
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../models/types/apps-v1.ts'
import {
  allOf,
  availableOf,
  type Generations,
  replicasOf,
  sum,
  surgeAndUnavailable,
  wantedReplicas,
} from './deployment-replicas.ts'

/** A progress condition of a Deployment as of now. */
export function progressing(status: string, reason: string, message: string, now: string): DeploymentCondition {
  return { type: 'Progressing', status, reason, message, lastUpdateTime: now, lastTransitionTime: now }
}

/** False when no deadline is set: then there is no Progressing condition either. */
export function hasDeadline(d: Deployment): boolean {
  const seconds = d.spec.progressDeadlineSeconds
  return seconds !== undefined && seconds !== 2 ** 31 - 1
}

/** Counts and the Available condition. @param now a timestamp for what changes */
export function countedStatus(d: Deployment, g: Generations, now: string): DeploymentStatus {
  const all = allOf(g)
  const availableReplicas = sum(all, availableOf)
  const enough = availableReplicas >= wantedReplicas(d) - surgeAndUnavailable(d).unavailable
  const available: DeploymentCondition = {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
    lastUpdateTime: now,
    lastTransitionTime: now,
  }
  const status: DeploymentStatus = {
    observedGeneration: d.metadata.generation ?? 0,
    replicas: sum(all, rs => rs.status?.replicas ?? 0),
    updatedReplicas: g.current?.status?.replicas ?? 0,
    readyReplicas: sum(all, rs => rs.status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(sum(all, replicasOf) - availableReplicas, 0),
    conditions: withCondition(d.status?.conditions, available),
  }
  if (d.status?.collisionCount !== undefined) status.collisionCount = d.status.collisionCount
  return status
}

/** All replicas are of the present template and available, and no old pod is left. */
export function isComplete(d: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(d)
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (d.metadata.generation ?? 0)
  )
}

function isProgressing(d: Deployment, next: DeploymentStatus): boolean {
  const old = d.status ?? {}
  const outdated = (s: DeploymentStatus) => (s.replicas ?? 0) - (s.updatedReplicas ?? 0)
  return (
    (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(next) < outdated(old) ||
    (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  )
}

function hasTimedOut(d: Deployment, next: DeploymentStatus, nowMs: number): boolean {
  const condition = conditionOf(next.conditions, 'Progressing')
  if (!hasDeadline(d) || !condition || condition.reason === 'NewReplicaSetAvailable') return false
  if (condition.reason === 'ProgressDeadlineExceeded') return true
  const since = Date.parse(condition.lastUpdateTime ?? '') || nowMs
  return since + d.spec.progressDeadlineSeconds! * 1000 < nowMs
}

/** The status during a rollout: counts, progress against the deadline, and the first failure of a replica set. */
export function rolloutStatus(d: Deployment, g: Generations, nowMs: number, now: string): DeploymentStatus {
  const next = countedStatus(d, g, now)
  if (!hasDeadline(d)) next.conditions = withoutCondition(next.conditions, 'Progressing')
  const before = conditionOf(d.status?.conditions, 'Progressing')
  const who = g.current ? `ReplicaSet "${g.current.metadata.name}"` : `Deployment "${d.metadata.name}"`
  const success = `${who} has successfully progressed.`
  const wasComplete = next.replicas === next.updatedReplicas && before?.reason === 'NewReplicaSetAvailable'
  // Whoever saw this rollout begin may have died: then the condition still tells of the one before, and its deadline would never come.
  const unseen = g.current !== undefined && before?.reason === 'NewReplicaSetAvailable' && before.message !== success
  if (hasDeadline(d) && !(wasComplete && before.message === success)) {
    if (isComplete(d, next)) {
      const done = progressing('True', 'NewReplicaSetAvailable', success, now)
      const rest = before?.reason === done.reason ? withoutCondition(next.conditions, 'Progressing') : next.conditions
      next.conditions = withCondition(rest, done)
    } else if (unseen || isProgressing(d, next)) {
      const moved = progressing('True', 'ReplicaSetUpdated', `${who} is progressing.`, now)
      // Removed first, so that the time of the latest progress is written even when nothing else about it changes.
      if (before?.status === 'True' && before.lastTransitionTime) moved.lastTransitionTime = before.lastTransitionTime
      next.conditions = [...withoutCondition(next.conditions, 'Progressing'), moved]
    } else if (hasTimedOut(d, next, nowMs)) {
      const late = progressing('False', 'ProgressDeadlineExceeded', `${who} has timed out progressing.`, now)
      next.conditions = withCondition(next.conditions, late)
    }
  }
  const failure = replicaFailure(g)
  next.conditions = failure
    ? withCondition(next.conditions, failure)
    : withoutCondition(next.conditions, 'ReplicaFailure')
  return next
}

/** The current set's failure says most; an old one's is better than none. */
function replicaFailure({ current, old }: Generations): DeploymentCondition | undefined {
  const failureOf = (rs: ReplicaSet | undefined) => conditionOf(rs?.status?.conditions, 'ReplicaFailure')
  const found = failureOf(current) ?? old.map(failureOf).find(c => c)
  if (!found) return undefined
  return { ...found, ...(found.lastTransitionTime ? { lastUpdateTime: found.lastTransitionTime } : {}) }
}

/**
 * When the progress deadline must be checked again.
 * @returns milliseconds, undefined when nothing is due
 */
export function msUntilDeadline(d: Deployment, next: DeploymentStatus, nowMs: number): number | undefined {
  const condition = conditionOf(next.conditions, 'Progressing')
  if (!hasDeadline(d) || !condition || isComplete(d, next)) return undefined
  if (condition.reason === 'ProgressDeadlineExceeded' || d.spec.paused) return undefined
  const since = Date.parse(condition.lastUpdateTime ?? '') || nowMs
  // One second more, as timestamps are whole seconds.
  return Math.max(since + d.spec.progressDeadlineSeconds! * 1000 - nowMs, 0) + 1000
}

/** Pausing stops the clock of the deadline, resuming starts it anew. Undefined: nothing to change. */
export function pauseCondition(d: Deployment, now: string): DeploymentCondition | undefined {
  if (!hasDeadline(d)) return undefined
  const condition = conditionOf(d.status?.conditions, 'Progressing')
  if (condition?.reason === 'ProgressDeadlineExceeded') return undefined
  const paused = condition?.reason === 'DeploymentPaused'
  if (d.spec.paused && !paused) return progressing('Unknown', 'DeploymentPaused', 'Deployment is paused', now)
  if (!d.spec.paused && paused) return progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed', now)
  return undefined
}
