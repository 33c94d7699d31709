import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'
import { checkImmutable } from '../checks.ts'
import { defaultClaimSpec } from './claim-defaults.ts'
import { checkClaimRequests } from './claim-validation.ts'

export type ResourceClaimTemplate = resource.ResourceClaimTemplate

export const ResourceClaimTemplate = defineKind<resource.ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  scope: 'Namespaced',
  schema: 'resource/v1beta1.ResourceClaimTemplate',
  deletionAnswersObject: true,
  noGeneration: true,
  unconditionalUpdate: true,
  defaults: object => defaultClaimSpec(object.spec?.spec),
  checkedTwice: true,
  validate: (next, previous) => [
    ...checkClaimRequests('spec.spec', next.spec?.spec, previous !== undefined),
    ...(previous ? checkImmutable('spec', next.spec, previous.spec) : []),
  ],
})
