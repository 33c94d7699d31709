import { compareQuantities } from '../../../base/quantity.ts'
import { duplicate, type FieldError, forbidden, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { createdAt } from '../columns.ts'

export type LimitRange = core.LimitRange

const order = ['min', 'defaultRequest', 'default', 'max'] as const

/** For each resource: min ≤ default request ≤ default ≤ max. */
function validateLimits({ spec }: core.LimitRange): FieldError[] {
  const seen = new Set<string>()
  return (spec?.limits ?? []).flatMap((limit, i) => {
    const at = `spec.limits[${i}]`
    const errors: FieldError[] = []
    if (seen.has(limit.type)) errors.push(duplicate(`${at}.type`, limit.type))
    seen.add(limit.type)
    if (limit.type === 'Pod')
      for (const list of ['default', 'defaultRequest'] as const)
        if (limit[list]) errors.push(forbidden(`${at}.${list}`, "may not be specified when `type` is 'Pod'"))
    for (const name of new Set(order.flatMap(list => Object.keys(limit[list] ?? {}))))
      for (const [a, low] of order.entries())
        for (const high of order.slice(a + 1)) {
          const [least, most] = [limit[low]?.[name], limit[high]?.[name]]
          if (least === undefined || most === undefined || compareQuantities(least, most) <= 0) continue
          errors.push(
            invalid(`${at}.${low}[${name}]`, least, `${low} value ${least} is greater than ${high} value ${most}`),
          )
        }
    return errors
  })
}

/** The default limit is the maximum; the default request is the default limit, else the minimum. */
function defaultLimits(limit: core.LimitRangeItem): void {
  limit.default = { ...limit.max, ...limit.default }
  limit.defaultRequest = { ...limit.min, ...limit.default, ...limit.defaultRequest }
  if (!Object.keys(limit.default).length) delete limit.default
  if (!Object.keys(limit.defaultRequest).length) delete limit.defaultRequest
}

export const LimitRange = defineKind<core.LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  scope: 'Namespaced',
  schema: 'core/v1.LimitRange',
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  columns: [createdAt],
  ownAge: true,
  defaults: range => {
    for (const limit of range.spec?.limits ?? []) if (limit.type === 'Container') defaultLimits(limit)
  },
  validate: validateLimits,
})
