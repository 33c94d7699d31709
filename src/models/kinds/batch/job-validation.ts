import { sameMeaning } from '../../../base/equality.ts'
import { selectorFrom } from '../../../base/labels.ts'
import { type FieldError, forbidden, invalid, notSupported, required, tooLong } from '../../field-error.ts'
import { goStringMap } from '../../go-text.ts'
import type { Job, JobSpec } from '../../types/batch-v1.ts'
import { checkDomainPrefixedPath, checkImmutable, checkNonNegative, checkOneOf } from '../checks.ts'
import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { checkSelector } from '../selector-checks.ts'
import { checkFailurePolicy, checkSuccessPolicy } from './job-policies.ts'

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const

/** What a job and the template of a cron job have in common. @param field `spec` or `spec.jobTemplate.spec` */
export function checkJobSpec(field: string, spec: JobSpec): FieldError[] {
  const errors = counts.flatMap(name => checkNonNegative(`${field}.${name}`, spec[name]))
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  if (spec.managedBy !== undefined) errors.push(...checkManager(`${field}.managedBy`, spec.managedBy))
  errors.push(...checkMode(field, spec))
  if (spec.podFailurePolicy) errors.push(...checkFailurePolicy(`${field}.podFailurePolicy`, spec))
  if (spec.successPolicy) errors.push(...checkSuccessPolicy(`${field}.successPolicy`, spec))
  errors.push(...checkReplacement(`${field}.podReplacementPolicy`, spec))
  errors.push(...validatePodTemplate(`${field}.template`, spec.template))
  const policy: string = spec.template?.spec?.restartPolicy ?? ''
  const at = `${field}.template.spec.restartPolicy`
  if (policy === 'Always' || policy === '') errors.push(required(at, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.push(notSupported(at, policy, ['OnFailure', 'Never']))
  else if (spec.podFailurePolicy && policy !== 'Never')
    errors.push(invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified'))
  return errors
}

function checkReplacement(at: string, { podReplacementPolicy: policy, podFailurePolicy }: JobSpec): FieldError[] {
  if (policy === undefined) return []
  return checkOneOf(at, policy, podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'])
}

function checkMode(field: string, spec: JobSpec): FieldError[] {
  const mode: string | undefined = spec.completionMode
  const modes = ['NonIndexed', 'Indexed']
  if (mode !== undefined && !modes.includes(mode)) return [notSupported(`${field}.completionMode`, mode, modes)]
  if (mode !== 'Indexed')
    return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
      .filter(name => spec[name] !== undefined)
      .map(name => invalid(`${field}.${name}`, spec[name], 'requires indexed completion mode'))
  const errors: FieldError[] = []
  if (spec.completions === undefined) errors.push(required(`${field}.completions`, 'when completion mode is Indexed'))
  if ((spec.parallelism ?? 0) > manyCompletions) {
    const text = `must be less than or equal to ${manyCompletions} when completion mode is Indexed`
    errors.push(invalid(`${field}.parallelism`, spec.parallelism, text))
  }
  return [...errors, ...checkManyIndexes(field, spec)]
}

const manyCompletions = 100_000
const manyFailures = 10_000
const manyAtOnce = 10_000

/** Each index that failed is told in the status: there is room for so many. */
function checkManyIndexes(field: string, spec: JobSpec): FieldError[] {
  const { completions = 0, parallelism = 0, maxFailedIndexes: failures, backoffLimitPerIndex } = spec
  const errors: FieldError[] = []
  const at = `${field}.maxFailedIndexes`
  if (failures !== undefined && failures > completions)
    errors.push(invalid(at, failures, 'must be less than or equal to completions'))
  if (failures !== undefined && failures > manyCompletions)
    errors.push(invalid(at, failures, `must be less than or equal to ${manyCompletions}`))
  if (completions <= manyCompletions || backoffLimitPerIndex === undefined) return errors
  const when = `when completions are above ${manyCompletions} and used with backoff limit per index`
  if (failures === undefined)
    errors.push(required(at, `must be specified when completions is above ${manyCompletions}`))
  else if (failures > manyFailures)
    errors.push(invalid(at, failures, `must be less than or equal to ${manyFailures} ${when}`))
  if (parallelism > manyAtOnce)
    errors.push(invalid(`${field}.parallelism`, parallelism, `must be less than or equal to ${manyAtOnce} ${when}`))
  return errors
}

const longestManager = 63

function checkManager(field: string, manager: string): FieldError[] {
  const errors = checkDomainPrefixedPath(field, manager)
  if (manager.length > longestManager) errors.push(tooLong(field, longestManager))
  return errors
}

export function validateJob(next: Job, previous?: Job): FieldError[] {
  const { spec } = next
  const errors = previous ? [] : checkGeneratedLabels(next)
  errors.push(...checkJobSpec('spec', spec))
  if (spec.selector) errors.push(...checkSelector('spec.selector', spec.selector))
  else errors.push(required('spec.selector'))
  const labels = spec.template?.metadata?.labels
  if (!matches(spec.selector, labels ?? {})) {
    const text = '`selector` does not match template `labels`'
    errors.push(invalid('spec.template.metadata.labels', goStringMap(labels), text))
  }
  return previous ? [...errors, ...checkChanges(next, previous)] : errors
}

/** A selector that cannot be understood is told elsewhere. */
function matches(selector: JobSpec['selector'], labels: Record<string, string>): boolean {
  try {
    return selectorFrom(selector).matches(labels)
  } catch {
    return true
  }
}

/** Without manualSelector the labels are the server's to write. */
function checkGeneratedLabels({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector || !spec.selector) return []
  const labels = spec.template?.metadata?.labels ?? {}
  const expected = {
    'controller-uid': metadata.uid,
    'job-name': metadata.name,
    'batch.kubernetes.io/controller-uid': metadata.uid,
    'batch.kubernetes.io/job-name': metadata.name,
  }
  const errors = Object.entries(expected).flatMap(([key, value]) => {
    const at = `spec.template.metadata.labels[${key}]`
    if (labels[key] === undefined) return [required(at, `must be '${value}'`)]
    return labels[key] === value ? [] : [invalid(at, labels[key], `must be '${value}'`)]
  })
  if (!matches(spec.selector, expected as Record<string, string>))
    errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'))
  return errors
}

function checkChanges(next: Job, previous: Job): FieldError[] {
  const old = previous.spec
  const { spec } = next
  const errors = [
    ...checkCompletions(spec, old),
    ...checkImmutable('spec.selector', spec.selector, old.selector),
    ...checkTemplateKept(next, previous),
    ...checkImmutable('spec.completionMode', spec.completionMode, old.completionMode),
    ...checkImmutable('spec.podFailurePolicy', spec.podFailurePolicy, old.podFailurePolicy),
    ...checkImmutable('spec.backoffLimitPerIndex', spec.backoffLimitPerIndex, old.backoffLimitPerIndex),
    ...checkImmutable('spec.managedBy', spec.managedBy, old.managedBy),
    ...checkImmutable('spec.successPolicy', spec.successPolicy, old.successPolicy),
  ]
  if (spec.manualSelector !== old.manualSelector && old.manualSelector !== undefined)
    errors.push(forbidden('spec.manualSelector', 'may not be changed'))
  return errors
}

/** An indexed job may grow and shrink with its parallelism. */
function checkCompletions(next: JobSpec, old: JobSpec): FieldError[] {
  if (next.completions === old.completions) return []
  if (next.completionMode !== 'Indexed') return checkImmutable('spec.completions', next.completions, old.completions)
  return next.completions === next.parallelism
    ? []
    : [
        invalid(
          'spec.completions',
          next.completions ?? null,
          `can only be modified in tandem with parallelism: completions ${next.completions}, parallelism ${next.parallelism}`,
        ),
      ]
}

const movable = ['nodeSelector', 'affinity', 'tolerations', 'schedulingGates'] as const

/** Where its pods go can still change before a suspended job first starts. */
function checkTemplateKept(next: Job, previous: Job): FieldError[] {
  const [template, old] = [next.spec.template, previous.spec.template]
  if (sameMeaning(template, old)) return []
  const notStarted = previous.spec.suspend && !previous.status?.startTime
  if (!notStarted) return checkImmutable('spec.template', template, old)
  const taken = { ...template.spec!, ...Object.fromEntries(movable.map(name => [name, old.spec?.[name]])) }
  const metadata = { ...template.metadata, labels: old.metadata?.labels, annotations: old.metadata?.annotations }
  return checkImmutable('spec.template', { ...template, metadata, spec: taken }, old)
}
