import { isQuantity } from '../../../base/quantity.ts'
import { type FieldError, invalid, notSupported } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { age, integer, text } from '../columns.ts'

export type Queue = optiflow.Queue

const backfills = ['Always', 'Expected', 'Never']
const reclaims = ['Any', 'LowerPriority', 'Never']

function validateQueue({ spec }: optiflow.Queue): FieldError[] {
  const { weight, backfill, reclaim, quota, borrowingLimit } = spec ?? {}
  const errors: FieldError[] = []
  if (weight !== undefined && (weight < 1 || weight > 1_000_000))
    errors.push(invalid('spec.weight', weight, 'must be between 1 and 1000000'))
  if (backfill !== undefined && !backfills.includes(backfill))
    errors.push(notSupported('spec.backfill', backfill, backfills))
  if (reclaim !== undefined && !reclaims.includes(reclaim)) errors.push(notSupported('spec.reclaim', reclaim, reclaims))
  for (const [field, amounts] of Object.entries({ quota, borrowingLimit }))
    for (const [name, amount] of Object.entries(amounts ?? {}))
      if (!isQuantity(String(amount)) || String(amount).startsWith('-'))
        errors.push(invalid(`spec.${field}[${name}]`, amount, 'must be a quantity of at least 0'))
  return errors
}

/** A line in which pods wait for their share of the cluster. See docs/queues.md. */
export const Queue = defineKind<optiflow.Queue>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'Queue',
  plural: 'queues',
  scope: 'Cluster',
  schema: 'optiflow/v1.Queue',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    text('Cohort', q => q.spec?.cohort ?? ''),
    integer('Pending', q => q.status?.pending),
    integer('Running', q => q.status?.running),
    integer('Share‰', q => q.status?.sharePerMille),
    age,
  ],
  ownAge: true,
  defaults: queue => {
    queue.spec ??= {}
    queue.spec.weight ??= 1
    queue.spec.backfill ??= 'Expected'
    queue.spec.reclaim ??= 'Never'
  },
  validate: validateQueue,
})
