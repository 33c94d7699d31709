import { defineKind } from '../../kind.ts'
import type * as authorization from '../../types/authorization-v1.ts'

export type LocalSubjectAccessReview = authorization.LocalSubjectAccessReview

export const LocalSubjectAccessReview = defineKind<authorization.LocalSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  scope: 'Namespaced',
  schema: 'authorization/v1.LocalSubjectAccessReview',
  verbs: ['create'],
})
