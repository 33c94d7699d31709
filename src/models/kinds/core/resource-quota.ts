import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { age, text } from '../columns.ts'
import { validateQuota } from './quota-validation.ts'

export type ResourceQuota = core.ResourceQuota

const isLimit = (resource: string) => resource.startsWith('limits.')

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
  deletionAnswersObject: true,
  subresources: ['status'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [
    age,
    text('Request', quota => usage(quota, key => !isLimit(key))),
    text('Limit', quota => usage(quota, isLimit)),
  ],
  ownAge: true,
  validate: validateQuota,
})
