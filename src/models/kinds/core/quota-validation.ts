import { isWholeQuantity, parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, invalid, required } from '../../field-error.ts'
import { goList } from '../../go-text.ts'
import type { ResourceQuota, ResourceQuotaSpec } from '../../types/core-v1.ts'
import { immutableText, negativeText } from '../checks.ts'
import { checkResourceName, isExtended, shownName } from './resource-validation.ts'

const counts = [
  ...['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps'],
  ...['persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'],
]
const compute = ['cpu', 'memory', 'ephemeral-storage']
const standard = new Set([
  ...counts,
  ...compute.flatMap(name => [name, `requests.${name}`, `limits.${name}`]),
  'requests.storage',
])
/** What scopes are about: the pods themselves and what they compute with. */
const scopable = new Set(['pods', ...['cpu', 'memory'].flatMap(n => [n, `requests.${n}`, `limits.${n}`])])
const known = new Set([
  ...['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating'],
  ...['PriorityClass', 'CrossNamespacePodAffinity'],
])
const goScopes = (scopes: readonly string[] | undefined) => goList(scopes, 'core.ResourceQuotaScope')
const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
]

export function validateQuota({ spec = {}, status }: ResourceQuota, previous?: ResourceQuota): FieldError[] {
  const errors = [
    ...checkAmounts('spec.hard', spec.hard),
    ...checkScopes(spec),
    ...checkScopeSelector(spec),
    ...checkAmounts('status.hard', status?.hard),
    ...checkAmounts('status.used', status?.used),
  ]
  return previous ? [...errors, ...checkSameScopes(spec.scopes, previous.spec?.scopes)] : errors
}

function checkSameScopes(next: readonly string[] = [], old: readonly string[] = []): FieldError[] {
  const same = next.every(s => old.includes(s)) && old.every(s => next.includes(s))
  return same ? [] : [invalid('spec.scopes', goScopes(next.length ? next : undefined), immutableText)]
}

function checkAmounts(field: string, amounts: Record<string, string> = {}): FieldError[] {
  return Object.entries(amounts).flatMap(([name, quantity]) => {
    const at = `${field}[${name}]`
    const errors = checkResourceName(at, name)
    if (!name.includes('/') && !standard.has(name) && !/^(requests\.)?hugepages-/.test(name))
      errors.push(invalid(at, shownName(name), 'must be a standard resource for quota'))
    const { nano } = parseQuantity(quantity)
    if (nano < 0n) errors.push(invalid(at, quantity, negativeText))
    const whole = counts.includes(name) || isExtended(name)
    if (whole && !isWholeQuantity(quantity)) errors.push(invalid(at, quantity, 'must be an integer'))
    return errors
  })
}

/** What a scope cannot be about is not limited by a quota that has it. */
function unfit(scope: string, hard: Record<string, string> = {}): string[] {
  return Object.keys(hard).filter(
    name => standard.has(name) && !(scope === 'BestEffort' ? name === 'pods' : scopable.has(name)),
  )
}

function checkScopes({ scopes = [], hard }: ResourceQuotaSpec): FieldError[] {
  const at = 'spec.scopes'
  return [
    ...scopes.flatMap(scope => [
      ...(known.has(scope) ? [] : [invalid(at, goScopes(scopes), 'unsupported scope')]),
      ...unfit(scope, hard).map(() => invalid(at, goScopes(scopes), 'unsupported scope applied to resource')),
    ]),
    ...conflicts(at, scopes, goScopes(scopes)),
  ]
}

function conflicts(field: string, names: readonly string[], value: unknown): FieldError[] {
  return opposites
    .filter(pair => pair.every(name => names.includes(name)))
    .map(() => invalid(field, value, 'conflicting scopes'))
}

function checkScopeSelector({ scopeSelector, scopes, hard }: ResourceQuotaSpec): FieldError[] {
  const at = 'spec.scopeSelector.matchExpressions'
  const expressions = scopeSelector?.matchExpressions ?? []
  const errors = expressions.flatMap(({ scopeName, operator, values = [] }) => {
    const own: FieldError[] = []
    if (!known.has(scopeName)) own.push(invalid(`${at}.scopeName`, scopeName, 'unsupported scope'))
    for (const _ of unfit(scopeName, hard))
      own.push(invalid(at, scopeSelector, 'unsupported scope applied to resource'))
    if (known.has(scopeName) && scopeName !== 'PriorityClass' && operator !== 'Exists')
      own.push(
        invalid(
          `${at}.operator`,
          operator,
          "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      )
    const listed = operator === 'In' || operator === 'NotIn'
    if (listed && !values.length)
      own.push(
        required(`${at}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"),
      )
    if (!listed && operator !== 'Exists' && operator !== 'DoesNotExist')
      own.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    else if (!listed && values.length)
      own.push(
        invalid(
          `${at}.values`,
          values,
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        ),
      )
    return own
  })
  const names = expressions.map(e => e.scopeName)
  return [...errors, ...conflicts(at, names, goScopes(scopes))]
}
