import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'

export type Binding = core.Binding

export const Binding = defineKind<core.Binding>({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  scope: 'Namespaced',
  schema: 'core/v1.Binding',
  verbs: ['create'],
})
