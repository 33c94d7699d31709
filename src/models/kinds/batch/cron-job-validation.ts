import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { CronJob } from '../../types/batch-v1.ts'
import { checkNonNegative } from '../checks.ts'
import { checkJobSpec } from './job-validation.ts'

const macros = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/
const months = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec'
const days = 'sun|mon|tue|wed|thu|fri|sat'

/** minute, hour, day of month, month, day of week. */
const fields: { name: string; low: number; high: number; words?: string }[] = [
  { name: 'minute', low: 0, high: 59 },
  { name: 'hour', low: 0, high: 23 },
  { name: 'day of month', low: 1, high: 31 },
  { name: 'month', low: 1, high: 12, words: months },
  { name: 'day of week', low: 0, high: 6, words: days },
]

/** What is wrong with a cron expression, or undefined. */
export function scheduleProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@')) return macros.test(schedule) ? undefined : `unrecognized descriptor: ${schedule}`
  const parts = schedule.trim().split(/\s+/)
  if (parts.length !== 5) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`
  for (const [i, part] of parts.entries()) {
    const problem = partProblem(part, fields[i]!)
    if (problem) return problem
  }
  return undefined
}

function partProblem(part: string, { name, low, high, words }: (typeof fields)[number]): string | undefined {
  const value = (text: string) => {
    const word = words?.split('|').indexOf(text.toLowerCase()) ?? -1
    return word >= 0 ? word + low : /^\d+$/.test(text) ? Number(text) : Number.NaN
  }
  for (const range of part.split(',')) {
    const [ends = '', step, more] = range.split('/')
    if (more !== undefined) return `too many slashes: ${range}`
    if (step !== undefined && !(value(step) > 0)) return `step of range should be a positive number: ${range}`
    if (ends === '*' || ends === '?') continue
    const [from = '', to = from, extra] = ends.split('-')
    if (extra !== undefined) return `too many hyphens: ${range}`
    if (Number.isNaN(value(from)) || Number.isNaN(value(to))) return `failed to parse ${name} from ${range}`
    if (value(from) < low) return `beginning of range (${value(from)}) below minimum (${low}): ${range}`
    if (value(to) > high) return `end of range (${value(to)}) above maximum (${high}): ${range}`
    if (value(from) > value(to))
      return `beginning of range (${value(from)}) beyond end of range (${value(to)}): ${range}`
  }
  return undefined
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
  for (const name of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const)
    errors.push(...checkNonNegative(`spec.${name}`, spec[name]))
  const job = spec.jobTemplate?.spec
  if (!job) return [...errors, required('spec.jobTemplate.spec.template')]
  if (job.manualSelector)
    errors.push(forbidden('spec.jobTemplate.spec.manualSelector', 'may not be set in the template of a CronJob'))
  if (job.selector)
    errors.push(invalid('spec.jobTemplate.spec.selector', job.selector, '`selector` will be auto-generated'))
  return [...errors, ...checkJobSpec('spec.jobTemplate.spec', job)]
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
