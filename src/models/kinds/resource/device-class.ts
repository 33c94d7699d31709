import { same } from '../../../base/equality.ts'
import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'
import { checkDeviceConfiguration, checkSelectors, checkSet } from './device-checks.ts'

export type DeviceClass = resource.DeviceClass

const mostConfigurations = 32

export const DeviceClass = defineKind<resource.DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  scope: 'Cluster',
  schema: 'resource/v1beta1.DeviceClass',
  deletionAnswersObject: true,
  unconditionalUpdate: true,
  validate: ({ spec }, previous) => [
    // What is as it was is stored.
    ...checkSelectors('spec.selectors', spec?.selectors, previous !== undefined && same(spec, previous.spec)),
    ...checkSet('spec.config', spec?.config, {
      most: mostConfigurations,
      check: (entry, at) => checkDeviceConfiguration(at, entry),
    }),
  ],
})
