import { defineKind } from '../../kind.ts'
import type * as authorization from '../../types/authorization-v1.ts'

export type SelfSubjectAccessReview = authorization.SelfSubjectAccessReview

export const SelfSubjectAccessReview = defineKind<authorization.SelfSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  scope: 'Cluster',
  schema: 'authorization/v1.SelfSubjectAccessReview',
  verbs: ['create'],
})
