import { isDns1123Label, isLabelValue } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../types/core-v1.ts'
import { checkLabelName, texts } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'

export function checkTolerations(field: string, tolerations: Toleration[]): FieldError[] {
  return tolerations.flatMap((toleration, i) => {
    const at = `${field}[${i}]`
    const { key, value = '', effect, tolerationSeconds } = toleration
    const operator: string = toleration.operator ?? ''
    const errors = key ? checkLabelName(`${at}.key`, key) : []
    if (!key && operator !== 'Exists')
      errors.push(
        invalid(
          `${at}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      )
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    if (operator === 'Equal' || operator === '') errors.push(...texts(`${at}.operator`, value, isLabelValue(value)))
    else if (operator === 'Exists') {
      if (value) errors.push(invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"))
    }
    return errors
  })
}

export function checkAffinity(field: string, affinity: Affinity): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity
  const errors: FieldError[] = []
  if (nodeAffinity) {
    const at = `${field}.nodeAffinity`
    const { requiredDuringSchedulingIgnoredDuringExecution: must } = nodeAffinity
    if (must) errors.push(...checkNodeSelector(`${at}.requiredDuringSchedulingIgnoredDuringExecution`, must))
    nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, preference }, i) => {
      const term = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      errors.push(...checkWeight(term, weight), ...checkNodeTerm(`${term}.preference`, preference))
    })
  }
  if (podAffinity) errors.push(...checkPodAffinity(`${field}.podAffinity`, podAffinity))
  if (podAntiAffinity) errors.push(...checkPodAffinity(`${field}.podAntiAffinity`, podAntiAffinity))
  return errors
}

function checkWeight(field: string, weight: number): FieldError[] {
  return weight >= 1 && weight <= 100 ? [] : [invalid(`${field}.weight`, weight, 'must be in the range 1-100')]
}

export function checkNodeSelector(field: string, { nodeSelectorTerms = [] }: NodeSelector): FieldError[] {
  const at = `${field}.nodeSelectorTerms`
  if (!nodeSelectorTerms.length) return [required(at, 'must have at least one node selector term')]
  return nodeSelectorTerms.flatMap((term, i) => checkNodeTerm(`${at}[${i}]`, term))
}

function checkNodeTerm(field: string, term: NodeSelectorTerm | undefined): FieldError[] {
  const errors: FieldError[] = []
  term?.matchExpressions?.forEach((requirement, i) => {
    const at = `${field}.matchExpressions[${i}]`
    errors.push(...checkNodeRequirement(at, requirement), ...checkLabelName(`${at}.key`, requirement.key))
  })
  term?.matchFields?.forEach(({ key, operator, values = [] }, i) => {
    const at = `${field}.matchFields[${i}]`
    if (operator !== 'In' && operator !== 'NotIn')
      errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    else if (values.length !== 1)
      errors.push(
        required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
      )
    if (key !== 'metadata.name') errors.push(invalid(`${at}.key`, key, 'not a valid field selector key'))
  })
  return errors
}

function checkNodeRequirement(field: string, { operator, values = [] }: NodeSelectorRequirement): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length ? [] : [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
    case 'Exists':
    case 'DoesNotExist':
      return values.length
        ? [forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : []
    case 'Gt':
    case 'Lt':
      return values.length === 1
        ? []
        : [required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")]
    default:
      return [invalid(`${field}.operator`, operator, 'not a valid selector operator')]
  }
}

function checkPodAffinity(field: string, affinity: PodAffinity): FieldError[] {
  const errors: FieldError[] = []
  affinity.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
    errors.push(...checkPodTerm(`${field}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, term))
  })
  affinity.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, podAffinityTerm }, i) => {
    const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
    errors.push(...checkWeight(at, weight), ...checkPodTerm(`${at}.podAffinityTerm`, podAffinityTerm))
  })
  return errors
}

function checkPodTerm(field: string, term: PodAffinityTerm | undefined): FieldError[] {
  const key = term?.topologyKey
  return [
    ...checkSelector(`${field}.labelSelector`, term?.labelSelector),
    ...checkSelector(`${field}.namespaceSelector`, term?.namespaceSelector),
    ...(term?.namespaces ?? []).flatMap(name => texts(`${field}.namespace`, name, isDns1123Label(name))),
    ...(key ? checkLabelName(`${field}.topologyKey`, key) : [required(`${field}.topologyKey`, 'can not be empty')]),
  ]
}

const whenUnsatisfiable = ['DoNotSchedule', 'ScheduleAnyway']

export function checkSpread(field: string, constraints: TopologySpreadConstraint[] = []): FieldError[] {
  const seen = new Set<string>()
  return constraints.flatMap((constraint, i) => {
    const at = `${field}[${i}]`
    const { maxSkew, topologyKey, whenUnsatisfiable: action, minDomains, labelSelector } = constraint
    const errors: FieldError[] = []
    if (!(maxSkew > 0)) errors.push(invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero'))
    if (topologyKey) errors.push(...checkLabelName(`${at}.topologyKey`, topologyKey))
    else errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    // Other unknown values are refused by the schema.
    if (!action) errors.push(notSupported(`${at}.whenUnsatisfiable`, '', whenUnsatisfiable))
    const pair = `{${topologyKey}, ${action}}`
    if (seen.has(pair)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair))
    seen.add(pair)
    if (minDomains !== undefined && minDomains <= 0)
      errors.push(invalid(`${at}.minDomains`, minDomains, 'must be greater than zero'))
    if (minDomains !== undefined && action !== 'DoNotSchedule') {
      const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`
      errors.push(invalid(`${at}.minDomains`, minDomains, text))
    }
    return [...errors, ...checkSelector(`${at}.labelSelector`, labelSelector)]
  })
}
