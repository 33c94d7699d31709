import { isDns1123Label, isDns1123Subdomain, isLabelValue } from '../../../base/names.ts'
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
import type { LabelSelector } from '../../types/meta-v1.ts'
import { checkLabelName, checkOneOf, texts } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

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
    if (operator === 'Equal' || operator === '') {
      const wrong = isLabelValue(value)
      if (wrong.length) errors.push(invalid(`${at}.operator`, value, wrong.join(';')))
    } else if (operator === 'Exists') {
      if (value) errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"))
    } else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']))
    if (effect && !taintEffects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, taintEffects))
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
  return weight >= 1 && weight <= 100 ? [] : [invalid(`${field}.weight`, weight ?? 0, 'must be in the range 1-100')]
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
    errors.push(...checkNodeRequirement(at, requirement), ...checkLabelName(`${at}.key`, requirement.key ?? ''))
  })
  term?.matchFields?.forEach(({ key, operator, values = [] }, i) => {
    const at = `${field}.matchFields[${i}]`
    if (operator !== 'In' && operator !== 'NotIn')
      errors.push(invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'))
    else if (values.length !== 1)
      errors.push(
        required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
      )
    if (key !== 'metadata.name') errors.push(invalid(`${at}.key`, key ?? '', 'not a valid field selector key'))
    else for (const [j, v] of values.entries()) errors.push(...texts(`${at}.values[${j}]`, v, isDns1123Subdomain(v)))
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
      return [invalid(`${field}.operator`, operator ?? '', 'not a valid selector operator')]
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

function checkPodTerm(field: string, term: Partial<PodAffinityTerm> = {}): FieldError[] {
  const { topologyKey: key = '', labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term
  return [
    ...checkSelector(`${field}.labelSelector`, labelSelector),
    ...checkSelector(`${field}.namespaceSelector`, term.namespaceSelector),
    ...(term.namespaces ?? []).flatMap(name => texts(`${field}.namespace`, name, isDns1123Label(name))),
    ...checkLabelKeys(`${field}.matchLabelKeys`, matchLabelKeys, labelSelector),
    ...checkLabelKeys(`${field}.mismatchLabelKeys`, mismatchLabelKeys, labelSelector),
    ...checkTwice(field, matchLabelKeys, labelSelector),
    ...matchLabelKeys.flatMap((name, i) =>
      mismatchLabelKeys.includes(name)
        ? [invalid(`${field}.matchLabelKeys[${i}]`, name, 'exists in both matchLabelKeys and mismatchLabelKeys')]
        : [],
    ),
    ...(key ? [] : [required(`${field}.topologyKey`, 'can not be empty')]),
    ...checkLabelName(`${field}.topologyKey`, key),
  ]
}

function checkLabelKeys(field: string, keys: string[], selector: LabelSelector | undefined): FieldError[] {
  if (!keys.length) return []
  if (!selector) return [forbidden(field, 'must not be specified when labelSelector is not set')]
  return keys.flatMap((key, i) => checkLabelName(`${field}[${i}]`, key))
}

/** What `matchLabelKeys` adds to the selector, it may not have said before. */
function checkTwice(field: string, keys: string[], selector: LabelSelector | undefined): FieldError[] {
  const said = new Set(Object.keys(selector?.matchLabels ?? {}))
  const errors: FieldError[] = []
  for (const { key } of selector?.matchExpressions ?? []) {
    const i = keys.lastIndexOf(key)
    if (i >= 0 && said.has(key))
      errors.push(invalid(`${field}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'))
    said.add(key)
  }
  return errors
}

const whenUnsatisfiable = ['DoNotSchedule', 'ScheduleAnyway']
const inclusionPolicies = ['Honor', 'Ignore']
const tooFew = 'must be greater than zero'

export function checkSpread(field: string, constraints: TopologySpreadConstraint[] = []): FieldError[] {
  return constraints.flatMap((constraint, i) => {
    const at = `${field}[${i}]`
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable: action = '', minDomains } = constraint
    const errors: FieldError[] = []
    if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, tooFew))
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    if (!whenUnsatisfiable.includes(action))
      errors.push(notSupported(`${at}.whenUnsatisfiable`, action, whenUnsatisfiable))
    const same = (c: TopologySpreadConstraint) => c.topologyKey === topologyKey && c.whenUnsatisfiable === action
    if (constraints.slice(i + 1).some(same))
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${action}}`))
    if (minDomains !== undefined && minDomains <= 0) errors.push(invalid(`${at}.minDomains`, minDomains, tooFew))
    if (minDomains !== undefined && action !== 'DoNotSchedule') {
      const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`
      errors.push(invalid(`${at}.minDomains`, minDomains, text))
    }
    for (const name of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const)
      if (constraint[name] !== undefined)
        errors.push(...checkOneOf(`${at}.${name}`, constraint[name], inclusionPolicies))
    errors.push(...checkSpreadKeys(`${at}.matchLabelKeys`, constraint))
    return [...errors, ...checkSelector(`${at}.labelSelector`, constraint.labelSelector)]
  })
}

function checkSpreadKeys(field: string, constraint: TopologySpreadConstraint): FieldError[] {
  const { matchLabelKeys: keys = [], labelSelector: selector } = constraint
  if (!keys.length) return []
  const errors = selector ? [] : [forbidden(field, 'must not be specified when labelSelector is not set')]
  const said = new Set([
    ...Object.keys(selector?.matchLabels ?? {}),
    ...(selector?.matchExpressions ?? []).map(e => e.key),
  ])
  for (const [i, key] of keys.entries()) {
    errors.push(...checkLabelName(`${field}[${i}]`, key))
    if (said.has(key)) errors.push(invalid(`${field}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'))
  }
  return errors
}
