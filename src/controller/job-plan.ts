import { isPodReady, isPodTerminal } from '../models/pod-state.ts'
import type { Job, JobStatus } from '../models/types/batch-v1.ts'
import type { Pod } from '../models/types/core-v1.ts'
import { IndexSet } from './index-set.ts'
import {
  activeOf,
  earlierEnds,
  earlierFailures,
  earlierIgnored,
  endedMs,
  hasFailed,
  hasIndexOf,
  hasSucceeded,
  type IndexHistory,
  indexOf,
  isIndexed,
  isTerminating,
  isTracked,
  onlyReplacesFailed,
} from './job-pods.ts'
import { isIgnored, judgeFailure, judgeSuccess } from './job-policy.ts'

/** How a Job ends, as a condition. `FailureTarget` and `SuccessCriteriaMet` come first, the final one when no pod is left. */
export interface Ending {
  type: 'FailureTarget' | 'SuccessCriteriaMet'
  reason: string
  message: string
}

/** What a Job's status and pods say together. */
export interface JobFacts {
  active: Pod[]
  terminating: Pod[]
  ready: number
  /** Counted in status, waiting in uncountedTerminatedPods, or seen just now. */
  succeeded: number
  failed: number
  succeededIndexes: IndexSet
  failedIndexes: IndexSet
  /** Ended, tracked, and not yet in the status. */
  newSucceeded: Pod[]
  newFailed: Pod[]
  /** All that ended in failure and are not yet in the status, also those that are ignored or kept: each delays the next pod. */
  failures: Pod[]
  /** Failures that a policy ignores: they are let go without being counted. */
  ignored: Pod[]
  /** Of indexes that will have another pod: kept until it is there, as it carries on their count. */
  kept: Map<number, Pod>
  ending: Ending | undefined
}

const largestInt32 = 2 ** 31 - 1

export function jobFacts(job: Job, pods: readonly Pod[], released: ReadonlySet<string>, nowMs: number): JobFacts {
  const { spec, status = {} } = job
  const indexed = isIndexed(job)
  const completions = spec.completions ?? 0
  const limit = indexed ? completions : Infinity
  const waiting = new Set([
    ...(status.uncountedTerminatedPods?.succeeded ?? []),
    ...(status.uncountedTerminatedPods?.failed ?? []),
  ])
  const fresh = pods.filter(p => isTracked(p) && !released.has(p.metadata.uid) && !waiting.has(p.metadata.uid))
  const perIndex = indexed && spec.backoffLimitPerIndex !== undefined

  const succeededPods = pods.filter(p => hasSucceeded(p) && hasIndexOf(job, p))
  const succeededIndexes = IndexSet.parse(status.completedIndexes, limit).union(
    IndexSet.of(indexed ? succeededPods.filter(p => isTracked(p)).map(indexOf) : []),
  )
  const newSucceeded = fresh.filter(hasSucceeded)
  const failures = fresh.filter(p => hasFailed(p, job) && hasIndexOf(job, p))
  const ignored = fresh.filter(p => hasFailed(p, job) && isIgnored(job, p))
  const countedFailures = failures.filter(p => !isIgnored(job, p))
  // Those that were counted before are asked, too: what a policy says of them may have come later.
  const failJob = pods.filter(p => hasFailed(p, job)).map(p => judgeFailure(job, p))

  let failedIndexes = IndexSet.parse(status.failedIndexes, limit)
  let kept = new Map<number, Pod>()
  if (perIndex) {
    const tracked = pods.filter(p => isTracked(p) && hasFailed(p, job) && hasIndexOf(job, p))
    // What was running when the Job failed has failed with it, but its index has not.
    const own = isFailing(status) ? tracked.filter(p => p.status?.phase === 'Failed') : tracked
    const lost = own.filter(p => indexIsLost(job, p)).map(indexOf)
    failedIndexes = failedIndexes.union(IndexSet.of(lost.filter(i => !succeededIndexes.has(i))))
    const settled = (i: number) => failedIndexes.has(i) || succeededIndexes.has(i)
    kept = keptPods(
      tracked.filter(p => !released.has(p.metadata.uid) && !settled(indexOf(p))),
      activeOf(pods),
    )
  }
  const held = new Set(kept.values())
  const newFailed = countedFailures.filter(p => !held.has(p))

  const uncounted = status.uncountedTerminatedPods
  const active = activeOf(pods)
  const facts: JobFacts = {
    active,
    terminating: pods.filter(isTerminating),
    ready: active.filter(isPodReady).length,
    succeeded: indexed
      ? succeededIndexes.size
      : (status.succeeded ?? 0) + newSucceeded.length + (uncounted?.succeeded?.length ?? 0),
    failed: (status.failed ?? 0) + countedFailures.length + (uncounted?.failed?.length ?? 0),
    succeededIndexes,
    failedIndexes,
    newSucceeded,
    newFailed,
    failures,
    ignored: ignored.filter(p => !held.has(p)),
    kept,
    ending: undefined,
  }
  facts.ending = endingOf(job, facts, pods, failJob.find(v => v?.action === 'FailJob')?.message, nowMs)
  if (facts.ending) {
    // No successor will come: what was kept for one is counted now.
    for (const pod of kept.values())
      if (fresh.includes(pod)) (ignored.includes(pod) ? facts.ignored : facts.newFailed).push(pod)
    kept.clear()
  }
  return facts
}

/** The last failure of each index that nobody has taken over yet. */
function keptPods(failing: readonly Pod[], active: readonly Pod[]): Map<number, Pod> {
  const kept = new Map<number, Pod>()
  for (const pod of failing) {
    const best = kept.get(indexOf(pod))
    if (!best || (earlierEnds(pod) >= earlierEnds(best) && endedMs(pod) >= endedMs(best))) kept.set(indexOf(pod), pod)
  }
  for (const pod of active) kept.delete(indexOf(pod))
  return kept
}

function indexIsLost(job: Job, pod: Pod): boolean {
  const verdict = judgeFailure(job, pod)?.action
  if (verdict === 'FailIndex') return true
  return verdict !== 'Ignore' && earlierFailures(pod) >= job.spec.backoffLimitPerIndex!
}

/** What the next pod of an index has to know. */
export function nextHistory(job: Job, facts: JobFacts, index: number): IndexHistory | undefined {
  if (job.spec.backoffLimitPerIndex === undefined) return undefined
  const last = facts.kept.get(index)
  if (!last) return { failures: 0, ignored: 0 }
  const ignored = judgeFailure(job, last)?.action === 'Ignore'
  return {
    failures: earlierFailures(last) + (ignored ? 0 : 1),
    ignored: earlierIgnored(last) + (ignored ? 1 : 0),
  }
}

const isFailing = ({ conditions }: JobStatus): boolean =>
  conditions?.some(c => c.type === 'FailureTarget' && c.status === 'True') ?? false

function endingOf(
  job: Job,
  facts: JobFacts,
  pods: readonly Pod[],
  failJob: string | undefined,
  nowMs: number,
): Ending | undefined {
  const { spec, status = {} } = job
  const fixed = status.conditions?.find(
    c => c.status === 'True' && (c.type === 'FailureTarget' || c.type === 'SuccessCriteriaMet'),
  )
  if (fixed) return { type: fixed.type as Ending['type'], reason: fixed.reason ?? '', message: fixed.message ?? '' }
  const failure = (reason: string, message: string): Ending => ({ type: 'FailureTarget', reason, message })
  const success = (reason: string, message: string): Ending => ({ type: 'SuccessCriteriaMet', reason, message })
  if (failJob) return failure('PodFailurePolicy', failJob)
  if (facts.failed > (spec.backoffLimit ?? 6) || restartsExceeded(job, pods))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  if (msUntilDeadline(job, nowMs) === 0)
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline')
  if (isIndexed(job) && spec.backoffLimitPerIndex !== undefined) {
    if (spec.maxFailedIndexes !== undefined && facts.failedIndexes.size > spec.maxFailedIndexes)
      return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
    if (facts.failedIndexes.size && facts.failedIndexes.size + facts.succeededIndexes.size >= (spec.completions ?? 0))
      return failure('FailedIndexes', 'Job has failed indexes')
  }
  const met = judgeSuccess(job, facts.succeededIndexes)
  if (met) return success('SuccessPolicy', met)
  const done =
    spec.completions === undefined || spec.completions === null
      ? facts.succeeded > 0 && !facts.active.length
      : facts.succeeded >= spec.completions && !facts.active.length
  return done ? success('CompletionsReached', 'Reached expected number of succeeded pods') : undefined
}

/** With restartPolicy OnFailure, restarts in place count against the limit, also those of pods that are being deleted. */
function restartsExceeded(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') return false
  const limit = job.spec.backoffLimit ?? 6
  if (limit === largestInt32) return false
  const restarts = pods
    .filter(p => p.status?.phase === 'Running' || p.status?.phase === 'Pending')
    .flatMap(p => [...(p.status?.initContainerStatuses ?? []), ...(p.status?.containerStatuses ?? [])])
    .reduce((n, c) => n + (c.restartCount ?? 0), 0)
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** Milliseconds until activeDeadlineSeconds are over; 0 when they are, undefined when there is no deadline now. */
export function msUntilDeadline(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec
  if (activeDeadlineSeconds === undefined || suspend || !job.status?.startTime) return undefined
  return Math.max(Date.parse(job.status.startTime) + activeDeadlineSeconds * 1000 - nowMs, 0)
}

/** Pods to delete and to make, for a Job that goes on. */
export interface JobPlan {
  remove: Pod[]
  /** Indexes of pods to make; undefined for one without. */
  create: (number | undefined)[]
}

const burst = 500

export function planJob(job: Job, facts: JobFacts, mayStart: (index: number) => boolean): JobPlan {
  const { spec } = job
  const active = facts.active
  if (spec.suspend) return { remove: [...active], create: [] }
  const parallelism = spec.parallelism ?? 1
  const wanted =
    spec.completions === undefined || spec.completions === null
      ? facts.succeeded > 0
        ? active.length
        : parallelism
      : Math.min(Math.max(spec.completions - facts.succeeded - facts.failedIndexes.size, 0), parallelism)
  const remove = surplusPods(job, facts, active.length - wanted)
  if (remove.length) return { remove: remove.slice(0, burst), create: [] }
  const standing = active.length + (onlyReplacesFailed(job) ? facts.terminating.length : 0)
  const missing = Math.min(Math.max(wanted - standing, 0), burst)
  if (!isIndexed(job)) return { remove: [], create: Array.from({ length: missing }, () => undefined) }
  return { remove: [], create: pendingIndexes(job, facts, missing, mayStart) }
}

/** The first that nobody works at. Those that have to wait after a failure keep their place. */
function pendingIndexes(job: Job, facts: JobFacts, count: number, mayStart: (index: number) => boolean): number[] {
  const taken = new Set([...facts.active, ...(onlyReplacesFailed(job) ? facts.terminating : [])].map(indexOf))
  const found: number[] = []
  for (let i = 0; i < (job.spec.completions ?? 0) && found.length < count; i++)
    if (!taken.has(i) && !facts.succeededIndexes.has(i) && !facts.failedIndexes.has(i)) found.push(i)
  return found.filter(mayStart)
}

/** At least `count` pods that are not needed: of no or a settled index, second ones of an index, and then those that have done least. */
function surplusPods(job: Job, facts: JobFacts, count: number): Pod[] {
  const chosen = new Set<Pod>()
  const ranked = [...facts.active].sort(byProgress)
  if (isIndexed(job)) {
    const taken = new Set<number>()
    // The most advanced pod of an index keeps it.
    for (const pod of [...ranked].reverse()) {
      const i = indexOf(pod)
      const useless =
        i < 0 || i >= (job.spec.completions ?? 0) || facts.succeededIndexes.has(i) || facts.failedIndexes.has(i)
      if (useless || taken.has(i)) chosen.add(pod)
      taken.add(i)
    }
  }
  for (const pod of ranked) {
    if (chosen.size >= count) break
    chosen.add(pod)
  }
  return [...chosen]
}

function byProgress(a: Pod, b: Pod): number {
  const score = (p: Pod) =>
    (p.spec?.nodeName ? 8 : 0) +
    (p.status?.phase === 'Running' ? 4 : 0) +
    (isPodReady(p) ? 2 : 0) +
    (isPodTerminal(p) ? 0 : 1)
  const created = (p: Pod) => p.metadata.creationTimestamp ?? ''
  return (
    score(a) - score(b) ||
    (created(a) > created(b) ? -1 : created(a) < created(b) ? 1 : a.metadata.uid < b.metadata.uid ? -1 : 1)
  )
}
