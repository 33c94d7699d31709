import { defineKind } from '../../kind.ts'
import type * as metrics from '../../types/metrics-v1beta1.ts'
import { usageColumns } from './usage-columns.ts'

export type PodMetrics = metrics.PodMetrics

export const PodMetrics = defineKind<metrics.PodMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  // Its own would be that of core's Pod.
  singular: '',
  scope: 'Namespaced',
  schema: 'metrics/v1beta1.PodMetrics',
  verbs: ['get', 'list'],
  noGeneration: true,
  columns: usageColumns(pod => pod.containers?.map(c => c.usage) ?? []),
  ownAge: true,
})
