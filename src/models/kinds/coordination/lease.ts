import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as coordination from '../../types/coordination-v1.ts'
import { checkNonNegative } from '../checks.ts'
import { text } from '../columns.ts'

export type Lease = coordination.Lease

function validateLease({ spec }: coordination.Lease): FieldError[] {
  const duration = spec?.leaseDurationSeconds
  return [
    ...(duration !== undefined && duration <= 0
      ? [invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []),
    ...checkNonNegative('spec.leaseTransitions', spec?.leaseTransitions),
  ]
}

/** How leaders are chosen together is not yet offered in 1.32: its fields are dropped, unless an object has them. */
function dropStrategy({ spec }: coordination.Lease, previous?: coordination.Lease): void {
  if (!spec || previous?.spec?.strategy !== undefined || previous?.spec?.preferredHolder !== undefined) return
  delete spec.strategy
  delete spec.preferredHolder
}

export const Lease = defineKind<coordination.Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  scope: 'Namespaced',
  schema: 'coordination/v1.Lease',
  noGeneration: true,
  createOnUpdate: true,
  columns: [text('Holder', lease => lease.spec?.holderIdentity ?? '')],
  prepareCreate: lease => dropStrategy(lease),
  prepareUpdate: dropStrategy,
  validate: validateLease,
})
