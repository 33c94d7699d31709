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
  // Clients older than 1.22 send it, and kube-apiserver still takes it.
  alsoRead: ['policy/v1beta1'],
})
