import { defineKind } from '../../kind.ts'
import type * as authentication from '../../types/authentication-v1.ts'

export type TokenRequest = authentication.TokenRequest

export const TokenRequest = defineKind<authentication.TokenRequest>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'serviceaccounts/token',
  scope: 'Namespaced',
  schema: 'authentication/v1.TokenRequest',
  verbs: ['create'],
  defaults: ({ spec }) => {
    if (spec) spec.expirationSeconds ??= 3600
  },
})
