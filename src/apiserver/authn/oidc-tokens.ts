import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import { type Authenticator, authenticated, bearerToken } from './authenticator.ts'

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

const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']
/** An unknown key is asked for at most so often: anybody can make up tokens. */
const askAgainMs = 10_000
const requestTimeoutMs = 10_000

/** People who log in elsewhere: JSON Web Tokens of one OpenID Connect issuer. */
export class OidcTokens implements Authenticator {
  readonly #options: OidcOptions
  readonly #net: Net
  readonly #clock: Clock
  readonly #log: Logger
  #keys: JSONWebKeySet | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(options: OidcOptions, { net, clock, log }: { net: Net; clock: Clock; log: Logger }) {
    this.#options = options
    this.#net = net
    this.#clock = clock
    this.#log = log
  }

  async authenticate(request: ApiRequest): Promise<UserInfo | undefined> {
    const token = bearerToken(request)
    if (token === undefined || issuerOf(token) !== this.#options.issuerUrl) return undefined
    const claims = await this.#verified(token)
    const user = claims && this.#userOf(claims)
    if (!user) throw new ApiError('Unauthorized', 'Unauthorized')
    return authenticated(user)
  }

  async #verified(token: string): Promise<JWTPayload | undefined> {
    for (const again of [true, false]) {
      if (!this.#keys) await this.#fetchKeys()
      if (!this.#keys) return undefined
      try {
        const { issuerUrl: issuer, clientId: audience } = this.#options
        const currentDate = new Date(this.#clock.now())
        return (await jwtVerify(token, createLocalJWKSet(this.#keys), { issuer, audience, algorithms, currentDate }))
          .payload
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error
        // The issuer may have new keys.
        if (!(error instanceof errors.JWKSNoMatchingKey) || !again || !(await this.#fetchKeys())) return undefined
      }
    }
    return undefined
  }

  #userOf(claims: JWTPayload): UserInfo | undefined {
    const { usernameClaim = 'sub', usernamePrefix, groupsClaim, groupsPrefix = '', requiredClaims = {} } = this.#options
    for (const [name, value] of Object.entries(requiredClaims)) if (claims[name] !== value) return undefined
    const name = claims[usernameClaim]
    if (typeof name !== 'string' || name === '') return undefined
    if (usernameClaim === 'email' && claims['email_verified'] === false) return undefined
    const usual = usernameClaim === 'email' ? '' : `${this.#options.issuerUrl}#`
    const prefix = usernamePrefix === undefined ? usual : usernamePrefix === '-' ? '' : usernamePrefix
    const said = groupsClaim === undefined ? [] : [claims[groupsClaim] ?? []].flat()
    if (!said.every(group => typeof group === 'string')) return undefined
    return { username: prefix + name, groups: said.map(group => groupsPrefix + group) }
  }

  /** @returns whether the issuer was asked now */
  async #fetchKeys(): Promise<boolean> {
    if (this.#asking) {
      await this.#asking
      return true
    }
    const now = this.#clock.monotonicMs()
    if (now - this.#askedMs < askAgainMs) return false
    this.#askedMs = now
    this.#asking = this.#ask()
    try {
      await this.#asking
    } finally {
      this.#asking = undefined
    }
    return true
  }

  async #ask(): Promise<void> {
    const { issuerUrl } = this.#options
    try {
      const about = await this.#getJson(`${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`)
      if (about['issuer'] !== issuerUrl)
        throw new Error(`it calls itself ${JSON.stringify(about['issuer'])}; use that as --oidc-issuer-url`)
      const keys = await this.#getJson(String(about['jwks_uri']))
      if (!Array.isArray(keys['keys'])) throw new Error('its jwks_uri has no keys')
      this.#keys = keys as unknown as JSONWebKeySet
    } catch (error) {
      this.#log.warn({ issuer: issuerUrl, error: explain(error) }, 'keys of the OpenID Connect issuer not read')
    }
  }

  async #getJson(url: string): Promise<Record<string, unknown>> {
    if (!url.startsWith('https://')) throw new Error(`${url} is not https`)
    const { ca } = this.#options
    const reply = await this.#net.request(url, { timeoutMs: requestTimeoutMs, ...(ca ? { ca } : {}) })
    if (reply.status !== 200) throw new Error(`${url} answered ${reply.status}`)
    const value: unknown = JSON.parse(reply.body.toString())
    if (typeof value !== 'object' || value === null) throw new Error(`${url} is no JSON object`)
    return value as Record<string, unknown>
  }
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}
