import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as scheduling from '../../types/scheduling-v1alpha1.ts'
import { age, integer, text } from '../columns.ts'

export type PodGroup = scheduling.PodGroup

function validateGroup({ spec }: scheduling.PodGroup): FieldError[] {
  const errors: FieldError[] = []
  for (const field of ['minMember', 'scheduleTimeoutSeconds'] as const) {
    const value = spec?.[field]
    if (value !== undefined && value < 1) errors.push(invalid(`spec.${field}`, value, 'must be greater than 0'))
  }
  return errors
}

/** Under the name that the coscheduling plugin of Kubernetes' SIG Scheduling gave it, so that what is written for it works. */
export const PodGroup = defineKind<scheduling.PodGroup>({
  group: 'scheduling.x-k8s.io',
  version: 'v1alpha1',
  kind: 'PodGroup',
  plural: 'podgroups',
  shortNames: ['pg', 'pgs'],
  scope: 'Namespaced',
  schema: 'scheduling/v1alpha1.PodGroup',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    text('Phase', g => g.status?.phase ?? ''),
    integer('MinMember', g => g.spec?.minMember),
    integer('Running', g => g.status?.running),
    integer('Succeeded', g => g.status?.succeeded),
    integer('Failed', g => g.status?.failed),
    age,
  ],
  ownAge: true,
  defaults: g => {
    g.spec ??= {}
    g.spec.minMember ??= 1
  },
  validate: validateGroup,
})
