import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import { claimText, claimTexts } from './claims.ts'
import { JwtTokens, TokenRefused } from './jwt-tokens.ts'

/** Whose tokens are believed besides our own, and what they say of a user; the names are kube-apiserver's. */
export interface OidcOptions {
  /** `https://…`, exactly as the tokens say it. */
  issuerUrl: string
  /** Must be among a token's audiences. */
  clientId: string
  /** `sub` unless given. */
  usernameClaim?: string | undefined
  /** Before every name; unless given `<issuer>#`, but for e-mail addresses none; `-`: none. */
  usernamePrefix?: string | undefined
  groupsClaim?: string | undefined
  groupsPrefix?: string | undefined
  /** Claims that a token must have, with these values. */
  requiredClaims?: Record<string, string> | undefined
  /** PEM of the issuer's authority, if it is not a public one. */
  ca?: string | undefined
}

/** The issuer that flags describe. */
export class OidcTokens extends JwtTokens {
  constructor(options: OidcOptions, outside: { net: Net; clock: Clock; log: Logger }) {
    const { issuerUrl, clientId, ca } = options
    super({ issuerUrl, audiences: [clientId], ca, userOf: claims => userOf(options, claims) }, outside)
  }
}

function userOf(options: OidcOptions, claims: Readonly<Record<string, unknown>>) {
  const { usernameClaim = 'sub', usernamePrefix, groupsClaim, groupsPrefix = '', requiredClaims = {} } = options
  for (const [name, value] of Object.entries(requiredClaims))
    if (claims[name] !== value) throw new TokenRefused(`claim ${name} is not ${JSON.stringify(value)}`)
  const name = claimText(claims, usernameClaim)
  const usual = usernameClaim === 'email' ? '' : `${options.issuerUrl}#`
  const prefix = usernamePrefix === undefined ? usual : usernamePrefix === '-' ? '' : usernamePrefix
  const groups = groupsClaim === undefined ? [] : claimTexts(claims, groupsClaim)
  return { username: prefix + name, groups: groups.map(group => groupsPrefix + group) }
}
