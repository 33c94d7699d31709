import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'
import { defaultClaimSpec } from './claim-defaults.ts'

export type ResourceClaimTemplate = resource.ResourceClaimTemplate

export const ResourceClaimTemplate = defineKind<resource.ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  scope: 'Namespaced',
  schema: 'resource/v1beta1.ResourceClaimTemplate',
  noGeneration: true,
  unconditionalUpdate: true,
  defaults: object => defaultClaimSpec(object.spec?.spec),
})
