import { defineKind } from '../../kind.ts'
import type * as policy from '../../types/policy-v1.ts'

export type Eviction = policy.Eviction

export const Eviction = defineKind<policy.Eviction>({
  group: 'policy',
  version: 'v1',
  kind: 'Eviction',
  plural: 'pods/eviction',
  scope: 'Namespaced',
  schema: 'policy/v1.Eviction',
  verbs: ['create'],
})
