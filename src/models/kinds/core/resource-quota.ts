import { isQualifiedName } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { checkImmutable, negativeText, texts } from '../checks.ts'
import { text } from '../columns.ts'

export type ResourceQuota = core.ResourceQuota

const isLimit = (resource: string) => resource.startsWith('limits.')

function validateQuota(next: core.ResourceQuota, previous?: core.ResourceQuota): FieldError[] {
  const errors: FieldError[] = []
  for (const [name, quantity] of Object.entries(next.spec?.hard ?? {})) {
    const at = `spec.hard[${name}]`
    errors.push(...texts(at, name, isQualifiedName(name)))
    if (parseQuantity(quantity).nano < 0n) errors.push(invalid(at, quantity, negativeText))
  }
  return previous ? [...errors, ...checkImmutable('spec.scopes', next.spec?.scopes, previous.spec?.scopes)] : errors
}

/** `cpu: 1/4, pods: 3/10` for the resources that `include` picks. */
function usage({ status }: core.ResourceQuota, include: (resource: string) => boolean): string {
  return Object.entries(status?.hard ?? {})
    .filter(([key]) => include(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, hard]) => `${key}: ${status?.used?.[key] ?? '0'}/${hard}`)
    .join(', ')
}

export const ResourceQuota = defineKind<core.ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  scope: 'Namespaced',
  schema: 'core/v1.ResourceQuota',
  subresources: ['status'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [
    text('Request', quota => usage(quota, key => !isLimit(key))),
    text('Limit', quota => usage(quota, isLimit)),
  ],
  validate: validateQuota,
})
