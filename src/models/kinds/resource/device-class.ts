import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'

export type DeviceClass = resource.DeviceClass

export const DeviceClass = defineKind<resource.DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  scope: 'Cluster',
  schema: 'resource/v1beta1.DeviceClass',
  deletionAnswersObject: true,
  unconditionalUpdate: true,
})
