import { isQualifiedName } from '../../../base/names.ts'
import { compareQuantities, quantityToFloat } from '../../../base/quantity.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { LimitRange, LimitRangeItem } from '../../types/core-v1.ts'
import { texts } from '../checks.ts'
import { checkContainerResourceName, checkResourceName } from './resource-validation.ts'

const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
type List = (typeof lists)[number]

/** What must not be more than what, which of them is blamed, and how upstream calls both. */
const orders: { low: List; high: List; blamed: List; shown: List; text: string }[] = [
  { low: 'min', high: 'max', blamed: 'min', shown: 'min', text: 'min value LOW is greater than max value HIGH' },
  ...[
    { low: 'min', high: 'defaultRequest', text: 'min value LOW is greater than default request value HIGH' },
    { low: 'defaultRequest', high: 'max', text: 'default request value LOW is greater than max value HIGH' },
    {
      low: 'defaultRequest',
      high: 'default',
      text: 'default request value LOW is greater than default limit value HIGH',
    },
  ].map(order => ({ ...order, blamed: 'defaultRequest', shown: 'defaultRequest' }) as (typeof orders)[number]),
  {
    low: 'min',
    high: 'default',
    blamed: 'default',
    shown: 'min',
    text: 'min value LOW is greater than default value HIGH',
  },
  {
    low: 'default',
    high: 'max',
    blamed: 'default',
    shown: 'max',
    text: 'default value LOW is greater than max value HIGH',
  },
]

export function validateLimits({ spec }: LimitRange): FieldError[] {
  const seen = new Set<string>()
  return (spec?.limits ?? []).flatMap((limit, i) => {
    const at = `spec.limits[${i}]`
    const errors = checkType(`${at}.type`, limit.type)
    if (seen.has(limit.type)) errors.push(duplicate(`${at}.type`, limit.type))
    seen.add(limit.type)
    const names = new Set(lists.flatMap(list => Object.keys(limit[list] ?? {})))
    return [
      ...errors,
      ...checkNames(at, limit),
      ...checkLists(at, limit),
      ...[...names].flatMap(name => checkAmounts(at, limit, name)),
    ]
  })
}

function checkType(field: string, type: string): FieldError[] {
  const errors = texts(field, type, isQualifiedName(type))
  if (errors.length || type.includes('/') || ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type)) return errors
  return [invalid(field, type, 'must be a standard limit type or fully qualified')]
}

/** Pods and containers have resources of containers, other things any. */
function checkNames(field: string, limit: LimitRangeItem): FieldError[] {
  const isPod = limit.type === 'Pod'
  const check = isPod || limit.type === 'Container' ? checkContainerResourceName : checkResourceName
  return lists
    .filter(list => !isPod || (list !== 'default' && list !== 'defaultRequest'))
    .flatMap(list => Object.keys(limit[list] ?? {}).flatMap(name => check(`${field}.${list}[${name}]`, name)))
}

function checkLists(field: string, limit: LimitRangeItem): FieldError[] {
  const errors: FieldError[] = []
  if (limit.type === 'Pod')
    for (const list of ['default', 'defaultRequest'] as const)
      if (Object.keys(limit[list] ?? {}).length)
        errors.push(forbidden(`${field}.${list}`, "may not be specified when `type` is 'Pod'"))
  if (limit.type === 'PersistentVolumeClaim' && !limit.min?.['storage'] && !limit.max?.['storage'])
    errors.push(
      required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided'),
    )
  return errors
}

function checkAmounts(field: string, limit: LimitRangeItem, name: string): FieldError[] {
  const errors: FieldError[] = []
  for (const { low, high, blamed, shown, text } of orders) {
    const [least, most] = [limit[low]?.[name], limit[high]?.[name]]
    if (least === undefined || most === undefined || compareQuantities(least, most) <= 0) continue
    const message = text.replace('LOW', least).replace('HIGH', most)
    errors.push(invalid(`${field}.${blamed}[${name}]`, limit[shown]![name], message))
  }
  return [...errors, ...checkRatio(field, limit, name), ...checkOvercommit(field, limit, name)]
}

function checkRatio(field: string, { min, max, maxLimitRequestRatio }: LimitRangeItem, name: string): FieldError[] {
  const ratio = maxLimitRequestRatio?.[name]
  if (ratio === undefined) return []
  const at = `${field}.maxLimitRequestRatio[${name}]`
  if (compareQuantities(ratio, '1') < 0) return [invalid(at, ratio, `ratio ${ratio} is less than 1`)]
  const [least, most] = [min?.[name], max?.[name]]
  if (least === undefined || most === undefined) return []
  const widest = quantityToFloat(most) / quantityToFloat(least)
  if (quantityToFloat(ratio) <= widest) return []
  return [invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`)]
}

/** Of what cannot be shared, nobody gets more than he asks for. */
function checkOvercommit(field: string, limit: LimitRangeItem, name: string): FieldError[] {
  const [most, request] = [limit.default?.[name], limit.defaultRequest?.[name]]
  const shareable = !name.includes('/') && !name.startsWith('hugepages-')
  if (shareable || most === undefined || request === undefined || compareQuantities(most, request) === 0) return []
  const text = `default value ${most} must equal to defaultRequest value ${request} in ${name}`
  return [invalid(`${field}.defaultRequest[${name}]`, request, text)]
}
