import { defineKind } from '../../kind.ts'
import type * as authentication from '../../types/authentication-v1.ts'

export type SelfSubjectReview = authentication.SelfSubjectReview

export const SelfSubjectReview = defineKind<authentication.SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  scope: 'Cluster',
  schema: 'authentication/v1.SelfSubjectReview',
  verbs: ['create'],
})
