import { conditionOf, withCondition } from '../models/conditions.ts'
import { isPodReady, isPodTerminal } from '../models/pod-state.ts'
import type { Job, JobCondition, JobStatus } from '../models/types/batch-v1.ts'
import type { Pod } from '../models/types/core-v1.ts'
import type { JobFacts } from './job-plan.ts'
import { isIndexed, isTracked } from './job-pods.ts'
import { isIgnored } from './job-policy.ts'

export const isFinished = (job: Job) =>
  (job.status?.conditions ?? []).some(c => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True')

/** So many pods wait in the status to be counted; more come in later rounds. */
const maxUncounted = 500

/** What a look has done. */
export interface Changes {
  /** How many pods it made. */
  made: number
  /** Active ones that it deleted. */
  removed: readonly Pod[]
}

export const noChanges: Changes = { made: 0, removed: [] }

export interface Look extends Changes {
  /** All that was done before was seen, so that it has made and deleted what the Job wants. */
  settled: boolean
}

export interface Accounting {
  status: JobStatus
  /** Once the status is written, these are no longer held. */
  release: Pod[]
}

/**
 * The next status: what was waiting and has been let go is counted, what ended since is put down to wait. A pod is let go only after its
 * uid is in a written status, and counted only after it is let go, so that a crash anywhere neither loses nor doubles it.
 * @param now a timestamp
 */
export function account(
  job: Job,
  pods: readonly Pod[],
  released: ReadonlySet<string>,
  facts: JobFacts,
  { made, removed, settled }: Look,
  now: string,
): Accounting {
  const before = job.status ?? {}
  const held = new Set(pods.filter(p => isTracked(p) && !released.has(p.metadata.uid)).map(p => p.metadata.uid))
  const waiting = (uids: string[] = []) => uids.filter(u => held.has(u))
  const [wasSucceeded, wasFailed] = [before.uncountedTerminatedPods?.succeeded, before.uncountedTerminatedPods?.failed]
  const indexed = isIndexed(job)
  const room = Math.max(maxUncounted - waiting(wasSucceeded).length - waiting(wasFailed).length, 0)
  const isStopped = ({ metadata: { uid } }: Pod) => held.has(uid) && !wasFailed?.includes(uid)
  const stopped = isAnnounced(job) ? pods.filter(p => isStopped(p) && !isPodTerminal(p)) : []
  const newFailed = failuresOf(job, facts, stopped).slice(0, room)
  const newSucceeded = indexed ? facts.newSucceeded : facts.newSucceeded.slice(0, room - newFailed.length)
  const uids = (list: Pod[]) => list.map(p => p.metadata.uid)
  const succeeded = [...waiting(wasSucceeded), ...(indexed ? [] : uids(newSucceeded))]
  const failed = [...waiting(wasFailed), ...uids(newFailed)]
  const counted = (was: string[] = []) => was.length - waiting(was).length

  const status: JobStatus = {
    ...before,
    active: facts.active.length + made - removed.length,
    ready: facts.ready - removed.filter(isPodReady).length,
    terminating: facts.terminating.length + removed.length,
    succeeded: indexed ? facts.succeededIndexes.size : (before.succeeded ?? 0) + counted(wasSucceeded),
    failed: (before.failed ?? 0) + counted(wasFailed),
    uncountedTerminatedPods: { ...(succeeded.length ? { succeeded } : {}), ...(failed.length ? { failed } : {}) },
  }
  if (indexed && facts.succeededIndexes.size) status.completedIndexes = facts.succeededIndexes.toString()
  if (indexed && job.spec.backoffLimitPerIndex !== undefined) status.failedIndexes = facts.failedIndexes.toString()
  status.conditions = settled ? suspension(job, before.conditions ?? [], now) : (before.conditions ?? [])
  if (!status.startTime && !job.spec.suspend) status.startTime = now
  // While it is suspended the old start stays; being resumed is a new one.
  if (wasResumed(before.conditions, status.conditions)) status.startTime = now

  const waitingNow = new Set([...succeeded, ...failed])
  const release = pods.filter(
    p =>
      held.has(p.metadata.uid) &&
      (waitingNow.has(p.metadata.uid) ||
        facts.ignored.includes(p) ||
        (indexed && newSucceeded.includes(p)) ||
        mayGo(job, facts, p, newFailed)),
  )
  if (facts.ending) end(facts, status, release.length > 0 || held.size > 0, now)
  if (!status.conditions?.length) delete status.conditions
  return { status, release }
}

/**
 * When a Job fails, what it has stopped has failed with it, unless a policy ignores that. When it has succeeded, what is stopped for that
 * reason has not.
 * @param stopped pods that are not counted yet and have not ended by themselves
 */
function failuresOf(job: Job, { ending, newFailed }: JobFacts, stopped: readonly Pod[]): Pod[] {
  if (!ending || !isAnnounced(job)) return newFailed
  const counted = newFailed.filter(isPodTerminal)
  return ending.type === 'FailureTarget' ? [...counted, ...stopped.filter(p => !isIgnored(job, p))] : counted
}

/** A Job that ends, or is deleted, holds no pod back; those that are to be counted go once they are in the status. */
function mayGo(job: Job, facts: JobFacts, pod: Pod, counted: readonly Pod[]): boolean {
  if (job.metadata.deletionTimestamp && !isPodTerminal(pod)) return true
  return (
    isAnnounced(job) && facts.ending?.type === 'SuccessCriteriaMet' && !counted.includes(pod) && !isPodTerminal(pod)
  )
}

/** The end is in the status: from then on it is carried out. */
export const isAnnounced = (job: Job) =>
  (job.status?.conditions ?? []).some(
    c => (c.type === 'FailureTarget' || c.type === 'SuccessCriteriaMet') && c.status === 'True',
  )

const condition = (type: string, status: string, reason: string, message: string, now: string): JobCondition => ({
  type,
  status,
  reason,
  message,
  lastProbeTime: now,
  lastTransitionTime: now,
})

function suspension(job: Job, before: JobCondition[], now: string): JobCondition[] {
  const known = conditionOf(before, 'Suspended')
  if (job.spec.suspend) {
    if (known?.status === 'True') return before
    return withCondition(before, condition('Suspended', 'True', 'JobSuspended', 'Job suspended', now))
  }
  if (known?.status !== 'True') return before
  return withCondition(before, condition('Suspended', 'False', 'JobResumed', 'Job resumed', now))
}

function wasResumed(before: JobCondition[] | undefined, after: JobCondition[]): boolean {
  return conditionOf(before, 'Suspended')?.status === 'True' && conditionOf(after, 'Suspended')?.status === 'False'
}

/** First the announcement; the end itself when no pod runs and none is left to count. */
function end(facts: JobFacts, status: JobStatus, unsettled: boolean, now: string): void {
  const { type, reason, message } = facts.ending!
  status.conditions = withCondition(status.conditions, condition(type, 'True', reason, message, now))
  const { succeeded, failed } = status.uncountedTerminatedPods ?? {}
  if (status.active || status.terminating || unsettled || succeeded?.length || failed?.length) return
  const complete = type === 'SuccessCriteriaMet'
  status.conditions = withCondition(
    status.conditions,
    condition(complete ? 'Complete' : 'Failed', 'True', reason, message, now),
  )
  if (complete) status.completionTime = now
  status.ready = 0
}
