import { defineKind } from '../../kind.ts'
import type * as resource from '../../types/resource-v1beta1.ts'
import { checkImmutable } from '../checks.ts'
import { text } from '../columns.ts'
import { defaultClaimSpec } from './claim-defaults.ts'
import { checkClaimStatus } from './claim-status-validation.ts'
import { checkClaimRequests } from './claim-validation.ts'

export type ResourceClaim = resource.ResourceClaim

function state({ metadata, status }: resource.ResourceClaim): string {
  const states = metadata.deletionTimestamp ? ['deleted'] : []
  if (status?.allocation) states.push('allocated', ...(status.reservedFor?.length ? ['reserved'] : []))
  else if (!metadata.deletionTimestamp) states.push('pending')
  return states.join(',')
}

export const ResourceClaim = defineKind<resource.ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  scope: 'Namespaced',
  schema: 'resource/v1beta1.ResourceClaim',
  deletionAnswersObject: true,
  subresources: ['status'],
  statusMarks: [],
  ownsIgnoredMarks: true,
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [text('State', state)],
  defaults: object => defaultClaimSpec(object.spec),
  checkedTwice: true,
  validate: (next, previous) => [
    ...checkClaimRequests('spec', next.spec, previous !== undefined),
    ...(previous ? checkImmutable('spec', next.spec, previous.spec) : []),
  ],
  validatePart: (_, next, previous) => checkClaimStatus(next, previous),
})
