import { type FieldError, notSupported, required } from '../../field-error.ts'
import type { Column } from '../../kind.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { age, text } from '../columns.ts'

export type Recommendation = optiflow.Recommendation

/** Kinds of workloads that have one. */
const sized = ['DaemonSet', 'Deployment', 'StatefulSet']

/** The name of a workload's recommendation. */
export const recommendationName = (kind: string, name: string): string => `${kind.toLowerCase()}-${name}`

function validateRecommendation({ spec }: optiflow.Recommendation): FieldError[] {
  const { kind, name } = spec?.targetRef ?? {}
  const errors: FieldError[] = []
  if (!name) errors.push(required('spec.targetRef.name'))
  if (!kind) errors.push(required('spec.targetRef.kind'))
  else if (!sized.includes(kind)) errors.push(notSupported('spec.targetRef.kind', kind, sized))
  return errors
}

const target = (name: string, resource: string): Column<optiflow.Recommendation> =>
  text(name, ({ status }) =>
    (status?.recommendation?.containerRecommendations ?? [])
      .map(c => `${c.containerName}=${c.target?.[resource] ?? '?'}`)
      .join(','),
  )

/** What a workload should ask for. See docs/right-sizing.md. */
export const Recommendation = defineKind<optiflow.Recommendation>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'Recommendation',
  plural: 'recommendations',
  scope: 'Namespaced',
  schema: 'optiflow/v1.Recommendation',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    text('Workload', r => `${r.spec?.targetRef?.kind}/${r.spec?.targetRef?.name}`),
    target('CPU', 'cpu'),
    target('Memory', 'memory'),
    age,
  ],
  ownAge: true,
  validate: validateRecommendation,
})
