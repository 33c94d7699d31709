import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { checkGroup } from './pod-groups.ts'

export type BindingGroup = optiflow.BindingGroup

/** Bindings of many pods in one request: what a request costs is paid once. */
export const BindingGroup = defineKind<optiflow.BindingGroup>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'BindingGroup',
  plural: 'bindinggroups',
  scope: 'Cluster',
  schema: 'optiflow/v1.BindingGroup',
  verbs: ['create'],
  validate: ({ spec }) => checkGroup(spec?.pods),
})
