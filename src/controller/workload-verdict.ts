import { timeText } from '../base/clock.ts'
import { conditionOf } from '../models/conditions.ts'
import type { Deployment, ReplicaSet } from '../models/types/apps-v1.ts'
import type { Workload, WorkloadRollout } from '../models/types/optiflow-v1.ts'
import { generations } from './deployment-replicas.ts'
import { isComplete } from './deployment-status.ts'
import { type Errors, errorsSince, type Tally } from './workload-errors.ts'
import {
  isAborted,
  isPromoted,
  type Memory,
  type RolloutPlan,
  revisionOf,
  rolloutOf,
  stableTemplate,
  type Wanted,
} from './workload-rollout.ts'

/** Why an update was given up. */
export interface Failure {
  /** For the condition. */
  reason: 'NotReadyInTime' | Errors['reason'] | 'Aborted'
  /** What the image did: `made no progress for 60 s`. */
  message: string
}

/** What to remember after a look at the Deployments, and when to look again. */
export interface Verdict {
  memory: Memory
  failure?: Failure
  /** What the update waits for, if all is well so far. */
  waits?: string
  afterMs?: number
}

export interface Evidence {
  workload: Workload
  wanted: Wanted
  plan: RolloutPlan
  /** As this look has left it; undefined when it could not be written. */
  deployment: Deployment | undefined
  sets: readonly ReplicaSet[]
  canary: Deployment | undefined
  canarySets: readonly ReplicaSet[]
  /** Of the pods of the wanted form. */
  tally: Tally
  nowMs: number
}

/** How often pods that are watched are looked at. */
const lookMs = 10_000
const autoWatchSeconds = 60

export function judge(evidence: Evidence): Verdict {
  const { workload, wanted, plan, deployment } = evidence
  const memory = kept(workload, wanted)
  if (!deployment || plan.kind === 'back') return { memory }
  if (isAborted(workload, wanted) && wayBack(evidence))
    return given(evidence, { reason: 'Aborted', message: 'was aborted' })
  return plan.kind === 'canary' ? judgeCanary(evidence, plan) : judgeAll(evidence, deployment)
}

/** What is known of other attempts is forgotten. */
function kept({ status = {} }: Workload, { attempt }: Wanted): Memory {
  const { stableRevision, rolledOutRevision, failedRevision, rollout } = status
  return {
    ...(stableRevision ? { stableRevision } : {}),
    ...(rolledOutRevision ? { rolledOutRevision } : {}),
    ...(failedRevision === attempt ? { failedRevision } : {}),
    ...(rollout?.revision === attempt ? { rollout } : {}),
  }
}

function wayBack({ workload, sets }: Evidence): boolean {
  return stableTemplate(workload.status ?? {}, sets) !== undefined
}

/** Given up; nothing more is to be known of the rollout. */
function given({ workload, wanted }: Evidence, failure: Failure): Verdict {
  const { rollout: _, ...memory } = kept(workload, wanted)
  return { memory: { ...memory, failedRevision: wanted.attempt }, failure }
}

function judgeCanary(evidence: Evidence, plan: RolloutPlan & { kind: 'canary' }): Verdict {
  const { workload, wanted, canary, canarySets, nowMs } = evidence
  const memory = kept(workload, wanted)
  const rollout = rolloutOf(workload, wanted)
  const next = { memory: { ...memory, rollout: { revision: wanted.attempt, step: plan.step + 1 } } }
  if (isPromoted(workload, wanted, plan.step)) return next
  const complete = canary && isObserved(canary) && isComplete(canary, canary.status ?? {})
  const watched = complete || rollout.since ? watch(evidence, rollout) : rollout
  const stay = { memory: { ...memory, rollout: watched } }
  const failure = failureOf(evidence, watched, plan.size, canary, canarySets)
  if (failure && workload.spec.update?.autoRollback) return given(evidence, failure)
  if (failure) return { ...stay, waits: `held, ${failure.message}`, afterMs: lookMs }
  if (!watched.since) return stay
  if (plan.pauseSeconds === undefined)
    return { ...stay, waits: `waits for "optiflow rollout promote ${workload.metadata.name}"`, afterMs: lookMs }
  const leftMs = Date.parse(watched.since) + plan.pauseSeconds * 1000 - nowMs
  if (leftMs <= 0 && complete) return next
  return { ...stay, waits: `goes on at ${after(watched.since, plan.pauseSeconds)}`, afterMs: soon(leftMs) }
}

function judgeAll(evidence: Evidence, deployment: Deployment): Verdict {
  const { workload, wanted, sets, nowMs } = evidence
  const memory = kept(workload, wanted)
  const { current } = isObserved(deployment) ? generations(deployment, sets) : {}
  const revision = current && revisionOf(current)
  if (!current || !revision) return { memory }
  const { update } = workload.spec
  const rollout = rolloutOf(workload, wanted)
  const complete = isComplete(deployment, deployment.status ?? {})
  const goesBack = !!update?.autoRollback && revision !== memory.stableRevision && wayBack(evidence)
  const watchSeconds = goesBack ? (update.watchSeconds ?? autoWatchSeconds) : 0
  const watched = (complete || rollout.since) && watchSeconds ? watch(evidence, rollout) : rollout
  if (goesBack) {
    const failure = failureOf(evidence, watched, workload.spec.replicas ?? 1, deployment, sets)
    if (failure) return given(evidence, failure)
  }
  const leftMs = watched.since ? Date.parse(watched.since) + watchSeconds * 1000 - nowMs : 0
  if (complete && leftMs <= 0) {
    const { rollout: _, failedRevision: __, ...rest } = memory
    return { memory: { ...rest, stableRevision: revision, rolledOutRevision: wanted.revision } }
  }
  const underWay = { memory: { ...memory, rollout: watched } }
  if (!watched.since) return wanted.revision !== memory.rolledOutRevision && wayBack(evidence) ? underWay : { memory }
  const waits = `watched until ${after(watched.since, watchSeconds)}`
  return { ...underWay, waits, afterMs: soon(leftMs) }
}

/** From now on it is counted what goes wrong. */
function watch({ tally, nowMs }: Evidence, rollout: WorkloadRollout): WorkloadRollout {
  return rollout.since ? rollout : { ...rollout, since: timeText(nowMs), ...tally }
}

function failureOf(
  { workload, tally, nowMs }: Evidence,
  rollout: WorkloadRollout,
  pods: number,
  deployment: Deployment | undefined,
  sets: readonly ReplicaSet[],
): Failure | undefined {
  const errors = errorsSince(workload, rollout, tally, pods, nowMs)
  if (errors) return { reason: errors.reason, message: `had ${errors.message}` }
  if (!deployment || !isLate(deployment, sets)) return undefined
  const limit = workload.spec.update?.readyWithinSeconds ?? 600
  return { reason: 'NotReadyInTime', message: `made no progress for ${limit} s` }
}

/** A verdict about an earlier replica set may still stand there. */
function isLate(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const { current } = generations(deployment, sets)
  const progress = conditionOf(deployment.status?.conditions, 'Progressing')
  return (
    !!current &&
    progress?.reason === 'ProgressDeadlineExceeded' &&
    !!progress.message?.includes(`"${current.metadata.name}"`)
  )
}

function isObserved({ metadata, status }: Deployment): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
}

const soon = (leftMs: number) => Math.min(Math.max(leftMs, 1000), lookMs)
const after = (time: string, more: number) => timeText(Date.parse(time) + more * 1000)
