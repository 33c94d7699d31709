import { timeText } from '../base/clock.ts'
import { conditionOf, withLatestCondition, withoutCondition } from '../models/conditions.ts'
import { labelsText } from '../models/kinds/selector-text.ts'
import { worstProblem } from '../models/pod-problem.ts'
import type { CronJob, Job } from '../models/types/batch-v1.ts'
import type { Workload, WorkloadCondition, WorkloadStatus } from '../models/types/optiflow-v1.ts'
import { endOf } from './cron-job-plan.ts'
import { parseSchedule } from './cron-schedule.ts'
import { workloadSelector } from './workload-parts.ts'
import { workloadCondition } from './workload-status.ts'
import type { TaskLook } from './workload-task.ts'

interface State {
  /** Whether those that need it may start. */
  ready: boolean
  reason: string
  message: string
  end?: 'Complete' | 'Failed'
}

/** How something does that runs to its end. @param now a timestamp */
export function taskStatus(workload: Workload, look: TaskLook, nowMs: number, now: string): WorkloadStatus {
  const state = stateOf(workload, look, nowMs)
  const known = workload.status?.conditions ?? []
  const of = (type: string, status: boolean): WorkloadCondition =>
    workloadCondition(workload, { type, status, reason: state.reason, message: state.message }, now)
  const { attempt } = look.wanted
  const before = workload.status?.rolledOutRevision
  const ended = state.end ? attempt : before
  const active = look.jobs.reduce((sum, job) => sum + (job.status?.active ?? 0), 0)
  const ready = look.jobs.reduce((sum, job) => sum + (job.status?.ready ?? 0), 0)
  const [job] = workload.spec.schedule ? [] : look.jobs
  const succeeded = job ? job.status?.succeeded : before === attempt ? workload.status?.succeeded : undefined
  let conditions = withoutCondition(known, 'RolledBack')
  conditions = withLatestCondition(conditions, of('Ready', state.ready))
  conditions = withLatestCondition(conditions, of('Progressing', !state.end && !look.obstacle))
  for (const end of ['Complete', 'Failed'] as const)
    if (state.end === end || conditionOf(conditions, end))
      conditions = withLatestCondition(conditions, of(end, state.end === end))
  return {
    observedGeneration: workload.metadata.generation ?? 0,
    replicas: active,
    readyReplicas: ready,
    selector: labelsText(workloadSelector(workload)),
    ...(succeeded ? { succeeded } : {}),
    ...(ended ? { rolledOutRevision: ended } : {}),
    message: state.message,
    conditions,
  }
}

/** When its next run is due, in milliseconds from now. */
export function untilNextRun({ cronJob }: TaskLook, nowMs: number): number | undefined {
  const next = cronJob && nextRun(cronJob, nowMs)
  return next === undefined ? undefined : next - nowMs + 1000
}

function stateOf(workload: Workload, look: TaskLook, nowMs: number): State {
  const { obstacle, cronJob, jobs } = look
  if (obstacle) return { ready: false, reason: obstacle.reason, message: obstacle.message }
  if (workload.spec.schedule) return scheduled(cronJob, look, nowMs)
  const [job] = jobs
  return job ? runState(job, look) : remembered(workload, look)
}

function runState(job: Job, { pods }: TaskLook): State {
  const end = endOf(job)
  const { completions = 1 } = job.spec ?? {}
  const { active = 0, succeeded = 0, completionTime, conditions = [] } = job.status ?? {}
  if (end === 'Complete')
    return { ready: true, end, reason: 'Complete', message: `complete since ${completionTime ?? 'now'}` }
  if (end === 'Failed') {
    const { reason = 'Failed', message = '' } = conditionOf(conditions, 'Failed') ?? {}
    return { ready: false, end, reason, message: `failed: ${message}` }
  }
  if (job.spec?.suspend) return { ready: false, reason: 'Suspended', message: 'suspended' }
  const problem = worstProblem(pods)
  const done = `${succeeded} of ${completions} done, ${active} active`
  if (problem) return { ready: false, reason: problem.reason, message: `running: ${done}; ${problem.message}` }
  return { ready: false, reason: 'Running', message: `running: ${done}` }
}

/** Its Job is gone, or is still to be made. */
function remembered({ status }: Workload, { wanted }: TaskLook): State {
  if (status?.rolledOutRevision !== wanted.attempt) return { ready: false, reason: 'Starting', message: 'starting' }
  const failed = conditionOf(status.conditions, 'Failed')
  const { reason = 'Complete' } = conditionOf(status.conditions, 'Ready') ?? {}
  const message = status.message ?? 'complete'
  return failed?.status === 'True'
    ? { ready: false, end: 'Failed', reason, message }
    : { ready: true, end: 'Complete', reason, message }
}

function scheduled(cronJob: CronJob | undefined, { jobs, pods }: TaskLook, nowMs: number): State {
  if (!cronJob) return { ready: false, reason: 'Starting', message: 'starting' }
  const running = jobs.filter(job => !endOf(job))
  const last = jobs
    .filter(job => endOf(job))
    .sort(byStart)
    .at(-1)
  const ended = last && `last run ${endOf(last) === 'Complete' ? 'complete' : 'failed'} (${startOf(last)})`
  const problem = running.length ? worstProblem(pods) : undefined
  const runs = running.length && `${running.length} running since ${running.map(startOf).sort()[0]}`
  const next = nextRun(cronJob, nowMs)
  const due = cronJob.spec.suspend
    ? 'suspended'
    : next === undefined
      ? 'never due again'
      : `next run at ${timeText(next)}`
  const message = [problem?.message, runs, due, ended].filter(text => !!text).join('; ')
  return { ready: true, reason: problem?.reason ?? (cronJob.spec.suspend ? 'Suspended' : 'Scheduled'), message }
}

function nextRun({ spec }: CronJob, nowMs: number): number | undefined {
  if (spec.suspend) return undefined
  return parseSchedule(spec.schedule, spec.timeZone).next(nowMs)
}

const startOf = (job: Job) => job.status?.startTime ?? job.metadata.creationTimestamp ?? ''
const byStart = (a: Job, b: Job) => (startOf(a) < startOf(b) ? -1 : 1)
