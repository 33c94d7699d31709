import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { age, integer, text } from '../columns.ts'

export type SchedulerPlugin = optiflow.SchedulerPlugin

const longestMs = 2_000

function validatePlugin({ spec }: optiflow.SchedulerPlugin): FieldError[] {
  const { weight, timeoutMilliseconds: timeoutMs } = spec ?? {}
  const errors: FieldError[] = []
  if (weight !== undefined && (weight < 0 || weight > 100))
    errors.push(invalid('spec.weight', weight, 'must be between 0 and 100'))
  if (timeoutMs !== undefined && (timeoutMs < 1 || timeoutMs > longestMs))
    errors.push(
      invalid('spec.timeoutMilliseconds', timeoutMs, `must be between 1 and ${longestMs}: scheduling waits for it`),
    )
  return errors
}

/** A rule of placement that people add to the running scheduler. Whoever may write it has a say in where every pod goes. */
export const SchedulerPlugin = defineKind<optiflow.SchedulerPlugin>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'SchedulerPlugin',
  plural: 'schedulerplugins',
  scope: 'Cluster',
  schema: 'optiflow/v1.SchedulerPlugin',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    text('State', p => p.status?.state ?? ''),
    integer('Weight', p => p.spec.weight),
    text('Message', p => p.status?.message ?? ''),
    age,
  ],
  ownAge: true,
  defaults: ({ spec }) => {
    if (!spec) return
    spec.weight ??= 1
    spec.timeoutMilliseconds ??= 200
    spec.schedulerName ??= 'default-scheduler'
  },
  validate: validatePlugin,
})
