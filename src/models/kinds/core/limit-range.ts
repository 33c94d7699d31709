import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { createdAt } from '../columns.ts'
import { validateLimits } from './limit-range-validation.ts'

export type LimitRange = core.LimitRange

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
