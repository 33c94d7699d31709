import { byAge } from '../models/age.ts'
import type { Deployment, ReplicaSet } from '../models/types/apps-v1.ts'
import { resolveFraction } from './fraction.ts'
import { sameTemplate } from './template-hash.ts'

/** What a Deployment's rollout knows about its replica sets. */

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas'
/** An old client's wish for a revision. */
export const rollbackAnnotation = 'deprecated.deployment.rollback.to'
/** Longer histories lose their oldest entries. */
const historyLimitChars = 2000
/** Belong to the Deployment, or are set on each replica set by itself. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  rollbackAnnotation,
])

/** True for what a Deployment and each of its replica sets say of themselves alone. */
export const isOwnAnnotation = (name: string): boolean => notCopied.has(name)

/** The replica sets of a Deployment: the one with its present template, if it exists, and all the others. */
export interface Generations {
  current: ReplicaSet | undefined
  old: ReplicaSet[]
}

export const replicasOf = (rs: ReplicaSet) => rs.spec.replicas ?? 1
export const availableOf = (rs: ReplicaSet) => rs.status?.availableReplicas ?? 0
export const wantedReplicas = (d: Deployment) => d.spec.replicas ?? 1
export const isRolling = (d: Deployment) => d.spec.strategy?.type !== 'Recreate'

export function sum(sets: readonly ReplicaSet[], of: (rs: ReplicaSet) => number): number {
  return sets.reduce((total, rs) => total + of(rs), 0)
}

export function allOf({ current, old }: Generations): ReplicaSet[] {
  return current ? [...old, current] : [...old]
}

export function active(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return sets.filter(rs => replicasOf(rs) > 0)
}

/** The oldest replica set with the present template is the current one, should there be several. */
export function generations(d: Deployment, sets: readonly ReplicaSet[]): Generations {
  const sorted = [...sets].sort(byAge)
  const current = sorted.find(rs => sameTemplate(rs.spec.template, d.spec.template))
  return { current, old: sorted.filter(rs => rs !== current) }
}

/** Pods above and below the wanted number that a rolling update may have. Never both 0, or nothing could move. */
export function surgeAndUnavailable(d: Deployment): { surge: number; unavailable: number } {
  const wanted = wantedReplicas(d)
  if (!isRolling(d)) return { surge: 0, unavailable: 0 }
  const surge = resolveFraction(d.spec.strategy?.rollingUpdate?.maxSurge ?? '25%', wanted, 'up')
  const unavailable = resolveFraction(d.spec.strategy?.rollingUpdate?.maxUnavailable ?? '25%', wanted, 'down')
  if (!surge && !unavailable) return { surge, unavailable: wanted ? 1 : 0 }
  return { surge, unavailable: Math.min(unavailable, wanted) }
}

/** 64 bits in Kubernetes, so no number here. -1 when the annotation is missing or none. */
export function revisionOf(object: { metadata: { annotations?: Record<string, string> } }): bigint {
  const text = object.metadata.annotations?.[revisionAnnotation]
  return text !== undefined && /^\d{1,19}$/.test(text) ? BigInt(text) : -1n
}

export function highestRevision(sets: readonly ReplicaSet[]): bigint {
  let highest = 0n
  for (const revision of sets.map(revisionOf)) if (revision > highest) highest = revision
  return highest
}

/** What cannot be a number of replicas is as good as no annotation. */
export function annotatedNumber(rs: ReplicaSet, annotation: string): number | undefined {
  const text = rs.metadata.annotations?.[annotation]
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined
}

/** The size the Deployment had when the replica set was last scaled, which tells a change of size from a rollout. */
export function sizeAnnotations(d: Deployment): Record<string, string> {
  const wanted = wantedReplicas(d)
  return {
    [desiredReplicasAnnotation]: String(wanted),
    [maxReplicasAnnotation]: String(wanted + surgeAndUnavailable(d).surge),
  }
}

/**
 * The annotations of the current replica set: the Deployment's own, its revision, and the revisions at which it was current before
 * (a rollback makes an old replica set the newest revision).
 */
export function currentAnnotations(
  d: Deployment,
  existing: Record<string, string> | undefined,
  revision: bigint,
): Record<string, string> {
  const result: Record<string, string> = { ...existing }
  for (const [key, value] of Object.entries(d.metadata.annotations ?? {}))
    if (!isOwnAnnotation(key)) result[key] = value
  const before = existing?.[revisionAnnotation]
  if (revisionOf({ metadata: { annotations: existing ?? {} } }) < revision) {
    result[revisionAnnotation] = String(revision)
    if (before !== undefined) result[revisionHistoryAnnotation] = history(existing?.[revisionHistoryAnnotation], before)
  }
  if (!existing) Object.assign(result, sizeAnnotations(d))
  return result
}

function history(past: string | undefined, revision: string): string {
  const revisions = (past ?? '').split(',').filter(r => r !== '')
  while (revisions.length && [...revisions, revision].join(',').length > historyLimitChars) revisions.shift()
  return [...revisions, revision].join(',')
}
