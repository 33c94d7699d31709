import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { nodeColumns } from './node-columns.ts'
import { validateNode } from './node-validation.ts'

export type Node = core.Node

export const Node = defineKind<core.Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  scope: 'Cluster',
  schema: 'core/v1.Node',
  subresources: ['status', 'proxy'],
  noGeneration: true,
  unconditionalUpdate: true,
  fields: { 'spec.unschedulable': node => String(node.spec.unschedulable ?? false) },
  columns: nodeColumns,
  ownAge: true,
  defaults: ({ status }) => {
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
  },
  keepsStatusOnCreate: true,
  validate: validateNode,
})
