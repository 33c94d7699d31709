import { plainCron } from '../../cron-fields.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { CronJob } from '../../types/batch-v1.ts'
import { checkNonNegative, checkOneOf } from '../checks.ts'
import { checkJobSpec } from './job-validation.ts'

const macros = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/
/** What is wrong with a cron expression, or undefined. */
export function scheduleProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@')) return macros.test(schedule) ? undefined : `unrecognized descriptor: ${schedule}`
  try {
    plainCron(schedule)
    return undefined
  } catch (error) {
    return (error as RangeError).message
  }
}

/** When something runs. What once was let in with a zone in its words may keep it. */
export function checkSchedule(schedule: string, timeZone: string | undefined, previous?: string): FieldError[] {
  const zone = timeZone === undefined ? [] : checkTimeZone(timeZone)
  if (/TZ=/.test(schedule)) {
    const message = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
    return previous === schedule ? zone : [invalid('spec.schedule', schedule, message), ...zone]
  }
  const problem = scheduleProblem(schedule)
  return problem ? [invalid('spec.schedule', schedule, problem), ...zone] : zone
}

export function validateCronJob({ spec }: CronJob, previous?: CronJob): FieldError[] {
  const errors: FieldError[] = []
  if (spec.schedule) errors.push(...checkSchedule(spec.schedule, spec.timeZone, previous?.spec.schedule))
  else errors.push(required('spec.schedule'), ...(spec.timeZone === undefined ? [] : checkTimeZone(spec.timeZone)))
  errors.push(...checkNonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds))
  if (spec.concurrencyPolicy)
    errors.push(...checkOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']))
  else errors.push(required('spec.concurrencyPolicy'))
  const job = spec.jobTemplate?.spec
  if (!job) return [...errors, required('spec.jobTemplate.spec.template')]
  if (job.manualSelector)
    errors.push(forbidden('spec.jobTemplate.spec.manualSelector', 'may not be set in the template of a CronJob'))
  if (job.selector)
    errors.push(invalid('spec.jobTemplate.spec.selector', job.selector, '`selector` will be auto-generated'))
  errors.push(...checkJobSpec('spec.jobTemplate.spec', job))
  for (const name of ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const)
    errors.push(...checkNonNegative(`spec.${name}`, spec[name]))
  return errors
}

function checkTimeZone(zone: string): FieldError[] {
  if (!zone) return [invalid('spec.timeZone', zone, 'timeZone must be nil or non-empty string')]
  if (zone.toLowerCase() === 'local')
    return [
      invalid(
        'spec.timeZone',
        zone,
        'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ),
    ]
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return []
  } catch {
    return [invalid('spec.timeZone', zone, `unknown time zone ${zone}`)]
  }
}
