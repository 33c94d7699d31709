import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'
import { text } from '../columns.ts'
import { checkSlice } from './slice-validation.ts'

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
  validate: ({ spec }, previous) => checkSlice(spec, previous?.spec),
  fields: { 'spec.nodeName': slice => slice.spec.nodeName ?? '', 'spec.driver': slice => slice.spec.driver },
  columns: [
    text('Node', s => s.spec.nodeName ?? ''),
    text('Driver', s => s.spec.driver),
    text('Pool', s => s.spec.pool.name),
  ],
})
