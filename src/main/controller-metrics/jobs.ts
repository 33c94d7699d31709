import { exponentialBuckets, type Registry } from 'prom-client'
import { TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { CronJobMonitor, JobMonitor, TtlMonitor } from '../../controller/index.ts'
import type { Job, JobStatus } from '../../models/types/batch-v1.ts'

const modeOf = (job: Job) => ({ completion_mode: job.spec.completionMode ?? 'NonIndexed' })

/** What becomes of Jobs, under the names of Kubernetes' Job controller. */
export function jobMetrics(registry: Registry): JobMonitor {
  const named = (name: string, help: string, labelNames: string[]) => ({
    ...{ registers: [registry], name: `job_controller_${name}`, help, labelNames },
  })
  const mode = 'completion_mode'
  const syncs = new TallyCounter(named('job_syncs_total', 'Looks at Jobs.', [mode, 'result', 'action']))
  const syncSeconds = new TallyHistogram({
    ...named('job_sync_duration_seconds', 'How long a look took.', [mode, 'result', 'action']),
    buckets: exponentialBuckets(0.004, 2, 15),
  })
  const finished = new TallyCounter(named('jobs_finished_total', 'Jobs that ended.', [mode, 'result', 'reason']))
  const pods = new TallyCounter(named('job_pods_finished_total', 'Pods that ended and were counted.', [mode, 'result']))
  const creations = new TallyCounter(
    named('job_pods_creation_total', 'Pods that were made, or not.', ['reason', 'status']),
  )
  const indexes = new TallyCounter(
    named('job_finished_indexes_total', 'Indexes that ended.', ['status', 'backoffLimit']),
  )
  const judged = new TallyCounter(
    named('pod_failures_handled_by_failure_policy_total', 'Failed pods that a rule decided about.', ['action']),
  )

  function count(job: Job, next: JobStatus): void {
    const before = job.status ?? {}
    for (const result of ['succeeded', 'failed'] as const) {
      const more = (next[result] ?? 0) - (before[result] ?? 0)
      if (more > 0) pods.of({ ...modeOf(job), result }).inc(more)
    }
    if (job.spec.completionMode !== 'Indexed') return
    const backoffLimit = job.spec.backoffLimitPerIndex === undefined ? 'global' : 'perIndex'
    const settled = [
      ['succeeded', sizeOf(next.completedIndexes) - sizeOf(before.completedIndexes)],
      ['failed', sizeOf(next.failedIndexes) - sizeOf(before.failedIndexes)],
    ] as const
    for (const [status, more] of settled) if (more > 0) indexes.of({ status, backoffLimit }).inc(more)
  }

  return {
    synced(job, action, ok, ms) {
      const labels = { ...modeOf(job), result: ok ? 'success' : 'error', action }
      syncs.of(labels).inc()
      syncSeconds.of(labels).observe(ms / 1000)
    },
    created(job, before, ok) {
      const again = job.spec.podReplacementPolicy === 'Failed' ? 'recreate_failed' : 'recreate_terminating_or_failed'
      creations.of({ reason: before ? again : 'new', status: ok ? 'succeeded' : 'failed' }).inc()
    },
    counted(job, next, verdicts) {
      count(job, next)
      for (const action of verdicts) if (action) judged.of({ action }).inc()
      for (const { type, reason = '' } of newConditions(job, next)) {
        if (type === 'Complete') finished.of({ ...modeOf(job), result: 'succeeded', reason }).inc()
        if (type === 'Failed') finished.of({ ...modeOf(job), result: 'failed', reason }).inc()
      }
    },
  }
}

function newConditions(job: Job, next: JobStatus) {
  const had = new Set((job.status?.conditions ?? []).filter(c => c.status === 'True').map(c => c.type))
  return (next.conditions ?? []).filter(c => c.status === 'True' && !had.has(c.type))
}

/** How many indexes `1,3-5` names. */
function sizeOf(indexes = ''): number {
  const ranges = indexes.split(',').filter(Boolean)
  return ranges.reduce((sum, range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return sum + to - from + 1
  }, 0)
}

/** How late Jobs start, and how late they go. */
export function cronJobMetrics(registry: Registry): CronJobMonitor {
  const skew = new TallyHistogram({
    registers: [registry],
    name: 'cronjob_controller_job_creation_skew_duration_seconds',
    help: 'From the time a Job was scheduled for until it was made.',
    buckets: exponentialBuckets(1, 2, 10),
  })
  return { started: ms => skew.of().observe(ms / 1000) }
}

export function ttlMetrics(registry: Registry): TtlMonitor {
  const late = new TallyHistogram({
    registers: [registry],
    name: 'ttl_after_finished_controller_job_deletion_duration_seconds',
    help: "From the end of a finished Job's time to live until it was deleted.",
    buckets: exponentialBuckets(0.1, 2, 14),
  })
  return { deleted: ms => late.of().observe(ms / 1000) }
}
