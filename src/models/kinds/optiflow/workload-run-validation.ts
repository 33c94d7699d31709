import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { WorkloadCanaryStep, WorkloadJob, WorkloadSpec } from '../../types/optiflow-v1.ts'
import { checkSchedule } from '../batch/cron-job-validation.ts'
import { checkNonNegative } from '../checks.ts'

/** How a Workload's pods come and go: in steps, once, or by a schedule. */

export function checkCanary({ update, ports }: WorkloadSpec): FieldError[] {
  const canary = update?.canary
  if (!canary) return []
  if (!canary.steps?.length) return [required('spec.update.canary.steps', 'a canary has at least one step')]
  return canary.steps.flatMap((step, i) => checkStep(`spec.update.canary.steps[${i}]`, step, !!ports?.length))
}

function checkStep(field: string, step: WorkloadCanaryStep, serves: boolean): FieldError[] {
  const { percent, replicas, pauseSeconds, weight } = step
  const errors = checkNonNegative(`${field}.pauseSeconds`, pauseSeconds)
  if (percent !== undefined && replicas !== undefined)
    errors.push(forbidden(`${field}.replicas`, 'may not be specified together with `percent`'))
  else if (percent === undefined && replicas === undefined && weight === undefined)
    errors.push(required(field, 'must specify one of percent, replicas and weight'))
  if (percent !== undefined && (percent < 1 || percent > 100))
    errors.push(invalid(`${field}.percent`, percent, 'must be between 1 and 100, inclusive'))
  if (replicas !== undefined && replicas < 1)
    errors.push(invalid(`${field}.replicas`, replicas, 'must be greater than 0'))
  if (weight !== undefined && (weight < 0 || weight > 100))
    errors.push(invalid(`${field}.weight`, weight, 'must be between 0 and 100, inclusive'))
  if (weight !== undefined && !serves)
    errors.push(forbidden(`${field}.weight`, 'may not be specified without `spec.ports`: no requests are shared out'))
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
