import { byAge } from '../models/age.ts'
import type { Deployment, ReplicaSet } from '../models/types/apps-v1.ts'
import type { Pod } from '../models/types/core-v1.ts'
import {
  active,
  allOf,
  annotatedNumber,
  availableOf,
  desiredReplicasAnnotation,
  type Generations,
  isRolling,
  maxReplicasAnnotation,
  replicasOf,
  revisionOf,
  sizeAnnotations,
  sum,
  surgeAndUnavailable,
  wantedReplicas,
} from './deployment-replicas.ts'

/** One replica set gets this size. */
export interface Resize {
  replicaSet: ReplicaSet
  replicas: number
}

/** How many replicas the current set may have now, `current` being its present number (0 when it is still to be made). */
export function nextCurrentReplicas(d: Deployment, all: readonly ReplicaSet[], current: number): number {
  const wanted = wantedReplicas(d)
  if (!isRolling(d)) return wanted
  const total = sum(all, replicasOf)
  const most = wanted + surgeAndUnavailable(d).surge
  if (total >= most) return current
  return current + Math.min(most - total, wanted - current)
}

/** One step of a rolling update: first the current set grows (or shrinks), then, in a later round, old ones shrink. */
export function planRolling(d: Deployment, { current, old }: Generations & { current: ReplicaSet }): Resize[] {
  const wanted = wantedReplicas(d)
  const now = replicasOf(current)
  const next = now > wanted ? wanted : now === wanted ? now : nextCurrentReplicas(d, [...old, current], now)
  if (next !== now) return [{ replicaSet: current, replicas: next }]
  return planOldDown(d, current, old)
}

/** Old pods go as far as enough pods stay available, unhealthy ones first: they serve nobody. */
function planOldDown(d: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Resize[] {
  if (!sum(old, replicasOf)) return []
  const fewest = wantedReplicas(d) - surgeAndUnavailable(d).unavailable
  const unavailableNew = replicasOf(current) - availableOf(current)
  const mayGo = sum(old, replicasOf) + replicasOf(current) - fewest - unavailableNew
  if (mayGo <= 0) return []

  const sizes = new Map(old.map(rs => [rs, replicasOf(rs)]))
  const oldestFirst = [...old].sort(byAge)
  let cleaned = 0
  for (const rs of oldestFirst) {
    if (cleaned >= mayGo) break
    const unhealthy = Math.max(replicasOf(rs) - availableOf(rs), 0)
    const down = Math.min(mayGo - cleaned, unhealthy)
    sizes.set(rs, replicasOf(rs) - down)
    cleaned += down
  }
  let spare = sum([...old, current], availableOf) - fewest
  for (const rs of oldestFirst) {
    if (spare <= 0) break
    const down = Math.min(sizes.get(rs)!, spare)
    sizes.set(rs, sizes.get(rs)! - down)
    spare -= down
  }
  return oldestFirst
    .filter(rs => sizes.get(rs) !== replicasOf(rs))
    .map(replicaSet => ({ replicaSet, replicas: sizes.get(replicaSet)! }))
}

/** Recreate: whether something of the old generations still runs, so that the new one has to wait. */
export function oldPodsRun({ current, old }: Generations, podsOf: (rs: ReplicaSet) => readonly Pod[]): boolean {
  if (sum(old, rs => rs.status?.replicas ?? 0) > 0) return true
  return old.some(
    rs => rs !== current && podsOf(rs).some(pod => pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded'),
  )
}

/** True when the Deployment's size, not its template, was changed since its replica sets were last scaled. */
export function isScalingEvent(d: Deployment, g: Generations): boolean {
  return active(allOf(g)).some(rs => {
    const desired = annotatedNumber(rs, desiredReplicasAnnotation)
    return desired !== undefined && desired !== wantedReplicas(d)
  })
}

/** Follows a change of size, also amid a rollout or while paused: then all active sets share it in proportion. */
export function planScaling(d: Deployment, g: Generations): Resize[] {
  const wanted = wantedReplicas(d)
  const only = activeOrLatest(g)
  // Also one that has that size already is marked with it, or no rollout could begin any more.
  if (only) return [{ replicaSet: only, replicas: wanted }]
  if (isSaturated(d, g.current)) return active(g.old).map(replicaSet => ({ replicaSet, replicas: 0 }))
  return isRolling(d) ? proportional(d, active(allOf(g))) : []
}

/** The one set that has pods; with none, the newest; undefined when several have some. */
function activeOrLatest({ current, old }: Generations): ReplicaSet | undefined {
  const running = active(allOf({ current, old }))
  if (running.length === 1) return running[0]
  if (running.length > 1) return undefined
  return current ?? [...old].sort(byAge).at(-1)
}

function isSaturated(d: Deployment, current: ReplicaSet | undefined): boolean {
  if (!current) return false
  const wanted = wantedReplicas(d)
  return (
    replicasOf(current) === wanted &&
    annotatedNumber(current, desiredReplicasAnnotation) === wanted &&
    availableOf(current) === wanted
  )
}

function proportional(d: Deployment, sets: ReplicaSet[]): Resize[] {
  const wanted = wantedReplicas(d)
  const allowed = wanted > 0 ? wanted + surgeAndUnavailable(d).surge : 0
  const toAdd = allowed - sum(sets, replicasOf)
  // Growing favours the newest of equally large sets, shrinking takes from the oldest.
  const sorted = [...sets].sort((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)))
  let added = 0
  const sizes = sorted.map(rs => {
    const share = toAdd === 0 ? 0 : shareOf(d, rs, toAdd, added)
    added += share
    return replicasOf(rs) + share
  })
  // What rounding left over goes to the largest.
  if (toAdd !== 0 && sizes.length) sizes[0] = Math.max(sizes[0]! + toAdd - added, 0)
  // Also those whose size stays are marked with the size of the Deployment, or the scaling would never be over.
  return sorted.map((replicaSet, i) => ({ replicaSet, replicas: sizes[i]! }))
}

function shareOf(d: Deployment, rs: ReplicaSet, toAdd: number, added: number): number {
  const left = toAdd - added
  if (!replicasOf(rs) || !left) return 0
  const share = fractionOf(d, rs)
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
}

function fractionOf(d: Deployment, rs: ReplicaSet): number {
  const wanted = wantedReplicas(d)
  if (!wanted) return -replicasOf(rs)
  const most = wanted + surgeAndUnavailable(d).surge
  const mostBefore = annotatedNumber(rs, maxReplicasAnnotation) || (d.status?.replicas ?? 0)
  if (!mostBefore) return 0
  return roundAwayFromZero((replicasOf(rs) * most) / mostBefore) - replicasOf(rs)
}

const roundAwayFromZero = (n: number) => (n < 0 ? Math.ceil(n - 0.5) : Math.floor(n + 0.5))

/** Whether a resize is news for its replica set: in number, or in the size annotations. */
export function resizeNeeded(d: Deployment, { replicaSet, replicas }: Resize): boolean {
  const { annotations } = replicaSet.metadata
  return (
    replicasOf(replicaSet) !== replicas ||
    Object.entries(sizeAnnotations(d)).some(([key, value]) => annotations?.[key] !== value)
  )
}

/** Old revisions beyond the history limit, oldest revision first; only those that are empty and known to be. */
export function planCleanup(d: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = d.spec.revisionHistoryLimit
  if (limit === undefined || limit === 2 ** 31 - 1) return []
  const alive = old.filter(rs => !rs.metadata.deletionTimestamp)
  const surplus = alive.length - limit
  if (surplus <= 0) return []
  return alive
    .sort((a, b) => Number(revisionOf(a) - revisionOf(b)) || byAge(a, b))
    .slice(0, surplus)
    .filter(
      rs =>
        !rs.status?.replicas &&
        !replicasOf(rs) &&
        (rs.metadata.generation ?? 0) <= (rs.status?.observedGeneration ?? 0),
    )
}
