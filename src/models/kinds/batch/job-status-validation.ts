import { sameMeaning } from '../../../base/equality.ts'
import { duplicate, type FieldError, GoText, goQuote, invalid, required } from '../../field-error.ts'
import { goTime } from '../../go-text.ts'
import type { Job, JobStatus } from '../../types/batch-v1.ts'
import { checkNonNegative } from '../checks.ts'
import { checkIndexes, overlapOf } from './job-indexes.ts'

// What may be told of a Job, and how it may change. Most is asked only of what changes: a status that was allowed when it was
// written may be carried on. Source: ValidateJobUpdateStatus of kube-apiserver 1.32.

const at = (name: keyof JobStatus) => `status.${name}`
const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const

/** @param previous the Job as it was before */
export function checkJobStatus(next: Job, previous: Job): FieldError[] {
  return [...checkStatus(new Change(next, previous)), ...checkTransition(next, previous)]
}

/** Which conditions hold of a Job. */
class Facts {
  readonly status: JobStatus
  readonly complete: boolean
  readonly failed: boolean
  readonly failing: boolean
  readonly succeeding: boolean

  constructor({ status = {} }: Job) {
    this.status = status
    const holds = (type: string) => (status.conditions ?? []).some(c => c.type === type && c.status === 'True')
    this.complete = holds('Complete')
    this.failed = holds('Failed')
    this.failing = holds('FailureTarget')
    this.succeeding = holds('SuccessCriteriaMet')
  }

  get finished(): boolean {
    return this.complete || this.failed
  }
}

/** What is told now, and what of it is new. */
class Change extends Facts {
  readonly job: Job
  readonly before: Facts

  constructor(job: Job, previous: Job) {
    super(job)
    this.job = job
    this.before = new Facts(previous)
  }

  isNew(...names: (Exclude<keyof Facts, 'status'> | keyof JobStatus)[]): boolean {
    const { before } = this
    return names.some(name =>
      name in this
        ? this[name as 'complete'] !== before[name as 'complete']
        : !sameMeaning(this.status[name as keyof JobStatus], before.status[name as keyof JobStatus]),
    )
  }
}

/** A refusal that shows no value: the whole list is what is wrong. */
const wrongConditions = (detail: string): FieldError => ({
  field: 'status.conditions',
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${detail}`,
})

function checkStatus(c: Change): FieldError[] {
  return [
    ...counts.flatMap(name => checkNonNegative(at(name), c.status[name])),
    ...checkUncounted(c.status),
    ...checkEnd(c),
    ...checkFinished(c),
    ...checkIndexLists(c),
    ...checkPods(c),
    ...checkSuccess(c),
  ]
}

function checkUncounted({ uncountedTerminatedPods: pods }: JobStatus): FieldError[] {
  const seen = new Set<string>()
  const check = (list: 'succeeded' | 'failed') =>
    (pods?.[list] ?? []).flatMap((uid, i) => {
      const field = `${at('uncountedTerminatedPods')}.${list}[${i}]`
      if (uid === '') return [invalid(field, uid, 'must not be empty')]
      if (seen.has(uid)) return [duplicate(field, uid)]
      seen.add(uid)
      return []
    })
  return [...check('succeeded'), ...check('failed')]
}

function checkEnd(c: Change): FieldError[] {
  const { startTime, completionTime } = c.status
  const errors: FieldError[] = []
  if (c.isNew('complete', 'failed') && c.complete && c.failed)
    errors.push(wrongConditions('cannot set Complete=True and Failed=true conditions'))
  if (c.isNew('complete', 'failing') && c.complete && c.failing)
    errors.push(wrongConditions('cannot set Complete=True and FailureTarget=true conditions'))
  if (c.isNew('complete', 'completionTime')) {
    const text = 'cannot set completionTime when there is no Complete=True condition'
    if (completionTime && !c.complete) errors.push(invalid(at('completionTime'), goTime(completionTime), text))
    if (!completionTime && c.complete)
      errors.push(required(at('completionTime'), 'completionTime is required for Complete jobs'))
  }
  const isNewSpan = c.isNew('startTime', 'completionTime')
  if (isNewSpan && startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime))
    errors.push(invalid(at('completionTime'), goTime(completionTime), 'completionTime cannot be set before startTime'))
  if (c.isNew('failed', 'failedIndexes') && c.failed && !c.failing)
    errors.push(wrongConditions('cannot set Failed=True condition without the FailureTarget=true condition'))
  if (c.isNew('complete', 'succeeding') && c.complete && !c.succeeding)
    errors.push(wrongConditions('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'))
  return errors
}

function checkFinished(c: Change): FieldError[] {
  if (!c.finished) return []
  const { active = 0, startTime, uncountedTerminatedPods: pods } = c.status
  const { suspend, completions } = c.job.spec
  const errors: FieldError[] = []
  if (c.isNew('finished', 'active') && active > 0)
    errors.push(invalid(at('active'), active, 'active>0 is invalid for finished job'))
  if (c.isNew('finished', 'startTime') && !(suspend && completions === 0) && !startTime)
    errors.push(required(at('startTime'), 'startTime is required for finished job'))
  if (c.isNew('finished', 'uncountedTerminatedPods') && (pods?.failed?.length || pods?.succeeded?.length)) {
    const uids = (list?: string[]) => (list ? `[]types.UID{${list.map(goQuote).join(', ')}}` : '[]types.UID(nil)')
    const shown = `batch.UncountedTerminatedPods{Succeeded:${uids(pods.succeeded)}, Failed:${uids(pods.failed)}}`
    const text = 'uncountedTerminatedPods needs to be empty for finished job'
    errors.push(invalid(at('uncountedTerminatedPods'), new GoText(shown), text))
  }
  return errors
}

function checkIndexLists(c: Change): FieldError[] {
  const { completedIndexes: completed = '', failedIndexes: failed } = c.status
  const { completions, backoffLimitPerIndex, completionMode } = c.job.spec
  const errors: FieldError[] = []
  const check = (name: 'completedIndexes' | 'failedIndexes', text: string) => {
    const wrong = checkIndexes(text, completions!)
    if (wrong) errors.push(invalid(at(name), text, `error parsing ${name}: ${wrong}`))
  }
  if (c.isNew('completedIndexes') && completions !== undefined) check('completedIndexes', completed)
  if (
    c.isNew('failedIndexes') &&
    completions !== undefined &&
    backoffLimitPerIndex !== undefined &&
    failed !== undefined
  )
    check('failedIndexes', failed)
  if (c.isNew('completedIndexes') && completed && completionMode !== 'Indexed') {
    const text = 'cannot set non-empty completedIndexes when non-indexed completion mode'
    errors.push(invalid(at('completedIndexes'), completed, text))
  }
  if (failed === undefined) return errors
  if (c.isNew('failedIndexes') && backoffLimitPerIndex === undefined) {
    const text = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'
    errors.push(invalid(at('failedIndexes'), failed, text))
  }
  if (c.isNew('failedIndexes', 'completedIndexes') && completions !== undefined) {
    const both = overlapOf(completed, failed, completions)
    const text = `failedIndexes and completedIndexes overlap at index: ${both}`
    if (both !== undefined) errors.push(invalid(at('failedIndexes'), failed, text))
  }
  return errors
}

function checkPods(c: Change): FieldError[] {
  const { active = 0, ready = 0, terminating = 0 } = c.status
  const errors: FieldError[] = []
  if (c.isNew('finished', 'terminating') && c.finished && terminating > 0)
    errors.push(invalid(at('terminating'), terminating, 'terminating>0 is invalid for finished job'))
  if (c.isNew('ready', 'active') && ready > active)
    errors.push(invalid(at('ready'), ready, 'cannot set more ready pods than active'))
  return errors
}

function checkSuccess(c: Change): FieldError[] {
  const errors: FieldError[] = []
  if (c.succeeding && c.failed)
    errors.push(wrongConditions('cannot set SuccessCriteriaMet=True and Failed=true conditions'))
  if (c.succeeding && c.failing)
    errors.push(wrongConditions('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'))
  if (c.job.spec.successPolicy && !c.succeeding && c.complete)
    errors.push(wrongConditions('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'))
  return errors
}

const finalConditions = [
  ['failed', 'Failed'],
  ['complete', 'Complete'],
  ['failing', 'FailureTarget'],
] as const

function checkTransition(next: Job, previous: Job): FieldError[] {
  const c = new Change(next, previous)
  const { before, status } = c
  const { spec } = next
  const old = before.status
  const errors: FieldError[] = finalConditions
    .filter(([fact]) => before[fact] && !c[fact])
    .map(([, type]) => wrongConditions(`cannot disable the terminal ${type}=True condition`))
  const lessOf = (name: 'failed' | 'succeeded') => {
    const [now = 0, was = 0] = [status[name], old[name]]
    if (now < was) errors.push(invalid(at(name), now, `cannot decrease the ${name} counter`))
  }
  lessOf('failed')
  // An indexed Job may shrink with its parallelism.
  if (spec.completionMode !== 'Indexed' || spec.completions !== spec.parallelism) lessOf('succeeded')
  const { completionTime } = status
  if (completionTime && old.completionTime && completionTime !== old.completionTime)
    errors.push(invalid(at('completionTime'), goTime(completionTime), 'completionTime cannot be mutated'))
  if (c.isNew('startTime') && !isResuming(status, old) && old.startTime && !spec.suspend)
    errors.push(required(at('startTime'), 'startTime cannot be removed for unsuspended job'))
  if (before.succeeding && !c.succeeding)
    errors.push(wrongConditions('cannot disable the SuccessCriteriaMet=True condition'))
  if (before.complete && !before.succeeding && c.succeeding) {
    const text = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'
    errors.push(wrongConditions(text))
  }
  return errors
}

/** A Job that goes on has a new start. */
function isResuming(now: JobStatus, before: JobStatus): boolean {
  const suspended = ({ conditions = [] }: JobStatus, status: string) =>
    conditions.some(c => c.type === 'Suspended' && c.status === status)
  return suspended(before, 'True') && suspended(now, 'False')
}
