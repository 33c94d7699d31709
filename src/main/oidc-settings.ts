import { resolve } from 'node:path'
import { readIssuer, readPairs } from './setting-readers.ts'

/** People's log-in elsewhere, under kube-apiserver's names; see docs/identity.md. On as soon as issuer and client are named. */
export interface OidcChoices {
  oidcIssuerUrl: string | undefined
  oidcClientId: string | undefined
  oidcUsernameClaim: string | undefined
  oidcUsernamePrefix: string | undefined
  oidcGroupsClaim: string | undefined
  oidcGroupsPrefix: string | undefined
  oidcRequiredClaim: Record<string, string> | undefined
  oidcCaFile: string | undefined
}

export const oidcDefaults: OidcChoices = {
  oidcIssuerUrl: undefined,
  oidcClientId: undefined,
  oidcUsernameClaim: undefined,
  oidcUsernamePrefix: undefined,
  oidcGroupsClaim: undefined,
  oidcGroupsPrefix: undefined,
  oidcRequiredClaim: undefined,
  oidcCaFile: undefined,
}

export const oidcRules = {
  oidcIssuerUrl: { name: 'oidc-issuer-url', read: readIssuer },
  oidcClientId: { name: 'oidc-client-id', read: (text: string) => text },
  oidcUsernameClaim: { name: 'oidc-username-claim', read: (text: string) => text },
  oidcUsernamePrefix: { name: 'oidc-username-prefix', read: (text: string) => text },
  oidcGroupsClaim: { name: 'oidc-groups-claim', read: (text: string) => text },
  oidcGroupsPrefix: { name: 'oidc-groups-prefix', read: (text: string) => text },
  oidcRequiredClaim: { name: 'oidc-required-claim', read: readPairs },
  oidcCaFile: { name: 'oidc-ca-file', read: (text: string) => resolve(text) },
}
