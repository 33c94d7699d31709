import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { WorkloadCanary, WorkloadCanaryStep, WorkloadJob, WorkloadSpec } from '../../types/optiflow-v1.ts'
import { checkSchedule } from '../batch/cron-job-validation.ts'
import { checkNonNegative } from '../checks.ts'

/** How a Workload's pods come and go: in steps, once, or by a schedule. */

export function checkCanary(canary: WorkloadCanary | undefined): FieldError[] {
  if (!canary) return []
  if (!canary.steps?.length) return [required('spec.update.canary.steps', 'a canary has at least one step')]
  return canary.steps.flatMap((step, i) => checkStep(`spec.update.canary.steps[${i}]`, step))
}

function checkStep(field: string, { percent, replicas, pauseSeconds }: WorkloadCanaryStep): FieldError[] {
  const errors = checkNonNegative(`${field}.pauseSeconds`, pauseSeconds)
  if (percent !== undefined && replicas !== undefined)
    errors.push(forbidden(`${field}.replicas`, 'may not be specified together with `percent`'))
  else if (percent === undefined && replicas === undefined)
    errors.push(required(field, 'must specify one of percent and replicas'))
  if (percent !== undefined && (percent < 1 || percent > 100))
    errors.push(invalid(`${field}.percent`, percent, 'must be between 1 and 100, inclusive'))
  if (replicas !== undefined && replicas < 1)
    errors.push(invalid(`${field}.replicas`, replicas, 'must be greater than 0'))
  return errors
}

/** The names of its runs add eleven characters. */
const longestTaskName = 52
const onlyForApps = ['autoscale', 'expose', 'update'] as const

export function checkTask(name: string | undefined, spec: WorkloadSpec): FieldError[] {
  const { job, schedule, timeZone } = spec
  if (schedule === undefined && timeZone !== undefined)
    return [forbidden('spec.timeZone', 'may only be used together with `schedule`')]
  if (!job && schedule === undefined) return []
  const errors = checkJob(job ?? {}, schedule)
  if (schedule !== undefined) errors.push(...checkSchedule(schedule, timeZone))
  for (const field of onlyForApps)
    if (spec[field]) errors.push(forbidden(`spec.${field}`, 'may not be specified for what runs to its end'))
  if ((spec.replicas ?? 1) !== 1)
    errors.push(forbidden('spec.replicas', 'may not be specified for what runs to its end; use job.parallelism'))
  if ((name?.length ?? 0) > longestTaskName)
    errors.push(invalid('metadata.name', name, `must be no more than ${longestTaskName} characters`))
  return errors
}

function checkJob(job: WorkloadJob, schedule: string | undefined): FieldError[] {
  const counts = ['backoffLimit', 'completions', 'parallelism'] as const
  const errors = counts.flatMap(name => checkNonNegative(`spec.job.${name}`, job[name]))
  if (job.activeDeadlineSeconds !== undefined && job.activeDeadlineSeconds < 1)
    errors.push(invalid('spec.job.activeDeadlineSeconds', job.activeDeadlineSeconds, 'must be greater than 0'))
  if (job.concurrencyPolicy && schedule === undefined)
    errors.push(forbidden('spec.job.concurrencyPolicy', 'may only be used together with `schedule`'))
  return errors
}
