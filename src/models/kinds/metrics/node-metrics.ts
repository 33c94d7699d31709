import { defineKind } from '../../kind.ts'
import type * as metrics from '../../types/metrics-v1beta1.ts'
import { usageColumns } from './usage-columns.ts'

export type NodeMetrics = metrics.NodeMetrics

export const NodeMetrics = defineKind<metrics.NodeMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  // Its own would be that of core's Node.
  singular: '',
  scope: 'Cluster',
  schema: 'metrics/v1beta1.NodeMetrics',
  verbs: ['get', 'list'],
  noGeneration: true,
  columns: usageColumns(node => [node.usage]),
  ownAge: true,
})
