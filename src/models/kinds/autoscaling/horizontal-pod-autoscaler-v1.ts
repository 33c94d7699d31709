import { defineKind } from '../../kind.ts'
import type { AnyObject } from '../../object.ts'
import type * as v1 from '../../types/autoscaling-v1.ts'
import type * as v2 from '../../types/autoscaling-v2.ts'
import { storedColumns } from '../stored-columns.ts'
import { HorizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'
import { fromV2, toV2 } from './hpa-conversion.ts'

export type HorizontalPodAutoscalerV1 = v1.HorizontalPodAutoscaler

const toStored = (hpa: v1.HorizontalPodAutoscaler) => toV2(hpa) as unknown as AnyObject

/** autoscaling/v1: the CPU target alone; everything else of v2 travels in annotations. */
export const HorizontalPodAutoscalerV1 = defineKind<v1.HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'autoscaling/v1.HorizontalPodAutoscaler',
  storedAs: {
    kind: HorizontalPodAutoscaler,
    toStored,
    fromStored: hpa => fromV2(hpa as unknown as v2.HorizontalPodAutoscaler),
  },
  subresources: ['status'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: storedColumns(HorizontalPodAutoscaler, toStored),
})
