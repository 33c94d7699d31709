import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'
import { text } from '../columns.ts'

export type ResourceSlice = resource.ResourceSlice

export const ResourceSlice = defineKind<resource.ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  scope: 'Cluster',
  schema: 'resource/v1beta1.ResourceSlice',
  unconditionalUpdate: true,
  fields: { 'spec.nodeName': slice => slice.spec.nodeName ?? '', 'spec.driver': slice => slice.spec.driver },
  columns: [
    text('Node', s => s.spec.nodeName ?? ''),
    text('Driver', s => s.spec.driver),
    text('Pool', s => s.spec.pool.name),
  ],
})
