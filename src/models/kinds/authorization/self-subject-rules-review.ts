import { defineKind } from '../../kind.ts'
import type * as authorization from '../../types/authorization-v1.ts'

export type SelfSubjectRulesReview = authorization.SelfSubjectRulesReview

export const SelfSubjectRulesReview = defineKind<authorization.SelfSubjectRulesReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  scope: 'Cluster',
  schema: 'authorization/v1.SelfSubjectRulesReview',
  verbs: ['create'],
})
