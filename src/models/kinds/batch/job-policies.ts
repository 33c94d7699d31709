import { isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, invalid, notSupported, required, tooLong, tooMany } from '../../field-error.ts'
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../types/batch-v1.ts'
import { checkNonNegative, checkOneOf, texts } from '../checks.ts'

const mostRules = 20
const mostExitCodes = 255
const mostPatterns = 20
const longestIndexes = 64 * 1024

/** What becomes of a job when a pod of it fails so or so. */
export function checkFailurePolicy(field: string, spec: JobSpec): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? []
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {}
  const names = [...containers, ...initContainers].map(c => c.name)
  return [
    ...(rules.length > mostRules ? [tooMany(`${field}.rules`, rules.length, mostRules)] : []),
    ...rules.flatMap((rule, i) => checkFailureRule(`${field}.rules[${i}]`, rule, spec, names)),
  ]
}

const actions: string[] = ['Count', 'FailIndex', 'FailJob', 'Ignore']

function checkFailureRule(field: string, rule: PodFailurePolicyRule, spec: JobSpec, names: string[]): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule
  const errors: FieldError[] = []
  if (!action) errors.push(required(`${field}.action`, 'valid values: ["Count" "FailIndex" "FailJob" "Ignore"]'))
  else if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    errors.push(invalid(`${field}.action`, action, 'requires the backoffLimitPerIndex to be set'))
  else if (!actions.includes(action)) errors.push(notSupported(`${field}.action`, action, actions))
  if (onExitCodes) errors.push(...checkExitCodes(`${field}.onExitCodes`, onExitCodes, names))
  const at = `${field}.onPodConditions`
  if (onPodConditions.length > mostPatterns) errors.push(tooMany(at, onPodConditions.length, mostPatterns))
  for (const [i, { type, status }] of onPodConditions.entries()) {
    errors.push(...texts(`${at}[${i}].type`, type, isQualifiedName(type)))
    const known = ['False', 'True', 'Unknown']
    if (!known.includes(status)) errors.push(notSupported(`${at}[${i}].status`, status, known))
  }
  if (onExitCodes && onPodConditions.length)
    errors.push(whole(field, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (!onExitCodes && !onPodConditions.length)
    errors.push(whole(field, 'specifying one of OnExitCodes and OnPodConditions is required'))
  return errors
}

/** Without the value, which would be the whole rule. */
const whole = (field: string, why: string): FieldError => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${why}`,
})

function checkExitCodes(
  field: string,
  { containerName, operator, values = [] }: PodFailurePolicyOnExitCodesRequirement,
  names: string[],
): FieldError[] {
  const errors: FieldError[] = []
  const at = `${field}.values`
  if (containerName !== undefined && !names.includes(containerName))
    errors.push(
      invalid(
        `${field}.containerName`,
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    )
  if (!operator) errors.push(required(`${field}.operator`, 'valid values: ["In" "NotIn"]'))
  else errors.push(...checkOneOf(`${field}.operator`, operator, ['In', 'NotIn']))
  if (!values.length) errors.push(invalid(at, values, 'at least one value is required'))
  else if (values.length > mostExitCodes) errors.push(tooMany(at, values.length, mostExitCodes))
  for (const [i, code] of values.entries()) {
    if (operator === 'In' && code === 0) errors.push(invalid(`${at}[${i}]`, code, 'must not be 0 for the In operator'))
    if (values.indexOf(code) !== i) errors.push(duplicate(`${at}[${i}]`, code))
  }
  if (values.some((code, i) => i > 0 && values[i - 1]! > code)) errors.push(invalid(at, values, 'must be ordered'))
  return errors
}

/** When an indexed job counts as done before all of it is. */
export function checkSuccessPolicy(field: string, spec: JobSpec): FieldError[] {
  if (spec.completionMode !== 'Indexed') return [invalid(field, spec.successPolicy, 'requires indexed completion mode')]
  const rules = spec.successPolicy?.rules ?? []
  const at = `${field}.rules`
  if (!rules.length) return [required(at, 'at least one rules must be specified when the successPolicy is specified')]
  return [
    ...(rules.length > mostRules ? [tooMany(at, rules.length, mostRules)] : []),
    ...rules.flatMap((rule, i) => checkSuccessRule(`${at}[${i}]`, rule, spec.completions ?? 0)),
  ]
}

function checkSuccessRule(field: string, { succeededCount, succeededIndexes }: SuccessPolicyRule, completions: number) {
  const errors: FieldError[] = []
  if (succeededCount === undefined && succeededIndexes === undefined)
    errors.push(required(field, 'at least one of succeededCount or succeededIndexes must be specified'))
  const indexes = succeededIndexes === undefined ? undefined : countIndexes(succeededIndexes, completions)
  const at = `${field}.succeededIndexes`
  if (succeededIndexes !== undefined && succeededIndexes.length > longestIndexes)
    errors.push(tooLong(at, longestIndexes))
  if (typeof indexes === 'string')
    errors.push(invalid(at, succeededIndexes, `error parsing succeededIndexes: ${indexes}`))
  if (succeededCount === undefined) return errors
  const countAt = `${field}.succeededCount`
  errors.push(...checkNonNegative(countAt, succeededCount))
  const tooHigh = (most: number, what: string) =>
    invalid(countAt, succeededCount, `must be less than or equal to ${most} (${what})`)
  if (succeededCount > completions) errors.push(tooHigh(completions, 'the number of specified completions'))
  if (typeof indexes === 'number' && succeededCount > indexes)
    errors.push(tooHigh(indexes, 'the number of indexes in the specified succeededIndexes field'))
  return errors
}

/** How many indexes `1,3-5,7` names; or what is wrong with the text. */
function countIndexes(text: string, completions: number): number | string {
  let count = 0
  let last = -1
  for (const part of text === '' ? [] : text.split(',')) {
    const ends = part.split('-')
    if (ends.length > 2)
      return `the fragment ${JSON.stringify(part)} violates the requirement that an index interval can have at most two parts separated by '-'`
    const [from, to = from] = ends.map(end => (/^\d{1,10}$/.test(end) ? Number(end) : Number.NaN)) as [number, number?]
    if (Number.isNaN(from) || Number.isNaN(to))
      return `cannot convert string to integer for index: ${JSON.stringify(part)}`
    if (to >= completions) return `too large index: ${JSON.stringify(String(to))}`
    if (from <= last) return `non-increasing order, previous: ${last}, current: ${from}`
    if (ends.length === 2 && from >= to) return `non-increasing order, previous: ${from}, current: ${to}`
    count += to - from + 1
    last = to
  }
  return count
}
