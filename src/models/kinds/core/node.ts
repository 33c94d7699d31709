import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { nodeColumns } from './node-columns.ts'
import { validateNode } from './node-validation.ts'

export type Node = core.Node

/** Nodes are not configured from here any more: the field is taken and left out. */
function forgetConfig({ spec }: core.Node): void {
  if (spec) delete spec.configSource
}

/** Nor do they say how they are configured, but where an older object has it. */
function forgetConfigStatus({ status }: core.Node, previous?: core.Node): void {
  if (status && !previous?.status?.config) delete status.config
}

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
  defaults: ({ spec, status }) => {
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
    if (!spec) return
    // One range, two fields: the older one counts.
    const { podCIDR, podCIDRs } = spec
    if (podCIDR && podCIDR !== podCIDRs?.[0]) spec.podCIDRs = [podCIDR]
    else if (podCIDRs?.[0]) spec.podCIDR = podCIDRs[0]
  },
  prepareCreate: node => {
    forgetConfig(node)
    forgetConfigStatus(node)
  },
  prepareUpdate: forgetConfig,
  prepareStatus: forgetConfigStatus,
  keepsStatusOnCreate: true,
  validate: validateNode,
})
