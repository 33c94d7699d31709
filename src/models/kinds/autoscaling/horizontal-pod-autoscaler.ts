import { defineKind } from '../../kind.ts'
import type * as autoscaling from '../../types/autoscaling-v2.ts'
import { checkNonNegative } from '../checks.ts'
import { hpaColumns } from './hpa-columns.ts'
import { defaultAutoscaler } from './hpa-defaults.ts'
import { validateAutoscaler } from './hpa-validation.ts'

export type HorizontalPodAutoscaler = autoscaling.HorizontalPodAutoscaler

export const HorizontalPodAutoscaler = defineKind<autoscaling.HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'autoscaling/v2.HorizontalPodAutoscaler',
  subresources: ['status'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: hpaColumns,
  defaults: defaultAutoscaler,
  validate: validateAutoscaler,
  validatePart: (_, { status }) => [
    ...checkNonNegative('status.currentReplicas', status?.currentReplicas),
    ...checkNonNegative('status.desiredReplicas', status?.desiredReplicas),
  ],
})
