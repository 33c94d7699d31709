import { controllerRef } from '../client/owner.ts'
import type { Draft } from '../models/object.ts'
import type { CronJob, Job } from '../models/types/batch-v1.ts'

export const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

/** How a Job ended: `Complete`, `Failed`, or undefined while it runs. */
export function endOf(job: Job): 'Complete' | 'Failed' | undefined {
  const ended = job.status?.conditions?.find(c => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True')
  return ended?.type as 'Complete' | 'Failed' | undefined
}

/** Named by the minute it was due, so that it is made once however often it is tried. */
export function jobName(cronJob: CronJob, scheduledMs: number): string {
  return `${cronJob.metadata.name}-${Math.floor(scheduledMs / 60_000)}`
}

/** Whether the schedule made it: people start Jobs of a CronJob as well, which are not counted as its runs. */
export function isScheduled(cronJob: CronJob, { metadata }: Job): boolean {
  const at = Date.parse(metadata.annotations?.[scheduledAnnotation] ?? '')
  return Number.isFinite(at) && metadata.name === jobName(cronJob, at)
}

export function jobOf(cronJob: CronJob, scheduledMs: number): Draft<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate
  return {
    metadata: {
      name: jobName(cronJob, scheduledMs),
      namespace: cronJob.metadata.namespace!,
      labels: { ...metadata?.labels },
      annotations: {
        ...metadata?.annotations,
        [scheduledAnnotation]: localTimestamp(scheduledMs, cronJob.spec.timeZone),
      },
      ownerReferences: [controllerRef(cronJob)],
    },
    spec: structuredClone(spec ?? { template: {} }),
  }
}

/** RFC 3339 in the schedule's own zone, with whole seconds. */
export function localTimestamp(ms: number, timeZone = 'UTC'): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(new Date(ms))
  const of = (type: string) => parts.find(p => p.type === type)!.value
  const local = `${of('year')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}:${of('second')}`
  const minutes = Math.round((Date.parse(`${local}Z`) - ms) / 60_000)
  if (!minutes) return `${local}Z`
  const size = Math.abs(minutes)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${local}${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** Finished Jobs beyond the history limits, oldest first. */
export function surplusJobs(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec
  const beyond = (end: 'Complete' | 'Failed', limit: number) => {
    const ended = jobs.filter(j => endOf(j) === end && !j.metadata.deletionTimestamp).sort(byStart)
    return ended.slice(0, Math.max(ended.length - limit, 0))
  }
  return [...beyond('Complete', successfulJobsHistoryLimit), ...beyond('Failed', failedJobsHistoryLimit)]
}

function byStart(a: Job, b: Job): number {
  const [x, y] = [a, b].map(j => j.status?.startTime ?? j.metadata.creationTimestamp ?? '') as [string, string]
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x < y ? -1 : 1
}
