import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../base/clock.ts'
import { explain, OptiFlowError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import { type Authenticator, authenticated, bearerToken } from './authenticator.ts'

/** Whose tokens are believed, and what they say of a user. */
export interface JwtIssuer {
  /** `https://…`, exactly as the tokens say it. */
  issuerUrl: string
  /** Where it tells about itself, if not below its own address. */
  discoveryUrl?: string | undefined
  /** One of them must be among a token's audiences. */
  audiences: string[]
  /** PEM of the issuer's authority, if it is not a public one. */
  ca?: string | undefined
  /** Who a token is of. @throws TokenRefused */
  userOf(claims: Readonly<Record<string, unknown>>): UserInfo
}

/** What a token says is not enough, or not what it should be. */
export class TokenRefused extends OptiFlowError {}

/** Tells by which credential somebody came. */
const credentialId = 'authentication.kubernetes.io/credential-id'
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']
/** An unknown key is asked for at most so often: anybody can make up tokens. */
const askAgainMs = 10_000
const requestTimeoutMs = 10_000

/** People who log in elsewhere: JSON Web Tokens of one OpenID Connect issuer. */
export class JwtTokens implements Authenticator {
  readonly #options: JwtIssuer
  readonly #net: Net
  readonly #clock: Clock
  readonly #log: Logger
  #keys: JSONWebKeySet | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(options: JwtIssuer, { net, clock, log }: { net: Net; clock: Clock; log: Logger }) {
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
        const { issuerUrl: issuer, audiences: audience } = this.#options
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
    try {
      const user = this.#options.userOf(claims)
      const id = claims['jti']
      if (typeof id !== 'string' || id === '') return user
      return { ...user, extra: { ...user.extra, [credentialId]: [`JTI=${id}`] } }
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      this.#log.info({ issuer: this.#options.issuerUrl, error: error.message }, 'token refused')
      return undefined
    }
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
    const { issuerUrl, discoveryUrl } = this.#options
    try {
      const usual = `${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`
      const about = await this.#getJson(discoveryUrl ?? usual)
      if (about['issuer'] !== issuerUrl)
        throw new Error(`it calls itself ${JSON.stringify(about['issuer'])}; use that as the issuer's URL`)
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
