import { defineKind } from '../../kind.ts'
import type * as authentication from '../../types/authentication-v1.ts'

export type TokenReview = authentication.TokenReview

export const TokenReview = defineKind<authentication.TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  scope: 'Cluster',
  schema: 'authentication/v1.TokenReview',
  verbs: ['create'],
})
