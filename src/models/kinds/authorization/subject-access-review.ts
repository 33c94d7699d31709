import { defineKind } from '../../kind.ts'
import type * as authorization from '../../types/authorization-v1.ts'

export type SubjectAccessReview = authorization.SubjectAccessReview

export const SubjectAccessReview = defineKind<authorization.SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  scope: 'Cluster',
  schema: 'authorization/v1.SubjectAccessReview',
  verbs: ['create'],
})
