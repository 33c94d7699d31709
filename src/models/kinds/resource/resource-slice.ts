import { isDns1123Subdomain } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'
import { checkImmutable, checkName } from '../checks.ts'
import { text } from '../columns.ts'

export type ResourceSlice = resource.ResourceSlice

export const ResourceSlice = defineKind<resource.ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  scope: 'Cluster',
  schema: 'resource/v1beta1.ResourceSlice',
  deletionAnswersObject: true,
  unconditionalUpdate: true,
  validate: ({ spec }, previous) => {
    const old = previous?.spec
    const errors = checkName('spec.driver', spec.driver, isDns1123Subdomain)
    if (!old) return errors
    return [
      ...errors,
      ...checkImmutable('spec.pool.name', spec.pool.name, old.pool.name),
      ...checkImmutable('spec.driver', spec.driver, old.driver),
      ...checkImmutable('spec.nodeName', spec.nodeName, old.nodeName),
    ]
  },
  fields: { 'spec.nodeName': slice => slice.spec.nodeName ?? '', 'spec.driver': slice => slice.spec.driver },
  columns: [
    text('Node', s => s.spec.nodeName ?? ''),
    text('Driver', s => s.spec.driver),
    text('Pool', s => s.spec.pool.name),
  ],
})
