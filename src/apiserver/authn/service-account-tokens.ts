import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { exportJWK, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Random } from '../../base/random.ts'
import type { Kind } from '../../models/kind.ts'
import { Node, Pod, Secret, ServiceAccount } from '../../models/kinds/index.ts'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import type { Core } from '../core.ts'
import { type Authenticator, bearerToken } from './authenticator.ts'
import { legacyIssuer, legacyUser } from './legacy-tokens.ts'

export interface TokenKeys {
  /** PEM, RSA or elliptic */
  privateKey: string
  /** PEM, of a key or of a certificate with it */
  publicKey: string
}

export interface TokenSubject {
  namespace: string
  name: string
  uid: string
  /** The token ends with this object. */
  bound?: { kind: 'Pod' | 'Secret' | 'Node'; name: string; uid: string }
  /** Where the pod runs that the token is bound to; without uid when there is no such Node. */
  node?: { name: string; uid?: string }
}

interface Claims extends JWTPayload {
  'kubernetes.io'?: {
    namespace?: string
    serviceaccount?: { name?: string; uid?: string }
    pod?: { name: string; uid: string }
    secret?: { name: string; uid: string }
    node?: { name: string; uid?: string }
    warnafter?: number
  }
}

export interface VerifiedToken {
  user: UserInfo
  audiences: string[]
}

/** By the curve of an elliptic key; RSA otherwise, as Kubernetes signs. */
const algorithmOfCurve: Record<string, string> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }
const leewayMs = 60_000
const defaultIssuers = ['https://kubernetes.default.svc']

interface TokenIssuing {
  /** The first signs; all are believed. */
  issuers?: string[] | undefined
  audiences?: string[] | undefined
  /** Where the keys are, as the discovery document says. */
  keysUrl?: string | undefined
}

const boundKinds: Record<'pod' | 'secret', Kind<any>> = { pod: Pod, secret: Secret }

/** Issues and checks the tokens by which pods speak for their service account. */
export class ServiceAccountTokens implements Authenticator {
  readonly issuer: string
  /** One of them is that of a token for this API. */
  readonly audiences: string[]
  readonly #issuers: string[]
  readonly #keysUrl: string
  readonly #privateKey: KeyObject
  readonly #publicKey: KeyObject
  readonly #keyId: string
  readonly #algorithm: string
  readonly #core: Core
  readonly #random: Random
  /** Signatures that were found good, by token; the claims are checked each time. */
  readonly #verified = new Map<string, Claims>()

  constructor(core: Core, keys: TokenKeys, { issuers = defaultIssuers, audiences, keysUrl }: TokenIssuing = {}) {
    this.#core = core
    this.#random = core.random
    this.issuer = issuers[0]!
    this.audiences = audiences ?? issuers
    this.#issuers = issuers
    this.#keysUrl = keysUrl ?? `${this.issuer.replace(/\/$/, '')}/openid/v1/jwks`
    this.#privateKey = createPrivateKey(keys.privateKey)
    this.#publicKey = createPublicKey(keys.publicKey)
    this.#algorithm = algorithmOfCurve[this.#publicKey.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'RS256'
    const der = this.#publicKey.export({ type: 'spki', format: 'der' })
    this.#keyId = createHash('sha256').update(der).digest('base64url')
  }

  /** @param seconds how long it is good; @param warnAfterSeconds when whoever still uses it should have had a new one */
  async issue(
    subject: TokenSubject,
    audiences: string[],
    seconds: number,
    warnAfterSeconds?: number,
  ): Promise<{ token: string; expiresMs: number }> {
    const now = Math.floor(this.#core.clock.now() / 1000)
    const { bound, node } = subject
    const claims: Claims = {
      aud: audiences,
      'kubernetes.io': {
        namespace: subject.namespace,
        serviceaccount: { name: subject.name, uid: subject.uid },
        ...(bound ? { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } } : {}),
        ...(node ? { node } : {}),
        ...(warnAfterSeconds === undefined ? {} : { warnafter: now + warnAfterSeconds }),
      },
      iss: this.issuer,
      sub: `system:serviceaccount:${subject.namespace}:${subject.name}`,
      jti: this.#random.uuid(),
      iat: now,
      nbf: now,
      exp: now + seconds,
    }
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: this.#algorithm, kid: this.#keyId })
      .sign(this.#privateKey)
    return { token, expiresMs: (now + seconds) * 1000 }
  }

  async authenticate(request: ApiRequest, warnings: string[] = []): Promise<UserInfo | undefined> {
    const token = bearerToken(request)
    if (token === undefined || token.split('.').length !== 3) return undefined
    return (await this.verify(token, this.audiences, warnings))?.user
  }

  /** Who a token speaks for, if it is ours, in time, for one of the audiences, and what it is bound to is still there. */
  async verify(token: string, audiences: string[], warnings: string[] = []): Promise<VerifiedToken | undefined> {
    const claims = await this.#signed(token)
    if (!claims) return undefined
    // These say neither for whom they are nor when they end.
    if (claims.iss === legacyIssuer) {
      const mine = this.audiences.filter(audience => audiences.includes(audience))
      const user = mine.length > 0 && (await legacyUser(this.#core, token, claims, warnings))
      return user ? { user, audiences: mine } : undefined
    }
    const now = this.#core.clock.now() / 1000
    if ((claims.exp ?? 0) <= now || (claims.nbf ?? 0) > now + 10) return undefined
    const mine = [claims.aud ?? []].flat().filter(a => audiences.includes(a))
    if (mine.length === 0) return undefined
    const user = this.#userOf(claims)
    return user && { user, audiences: mine }
  }

  jwks(): Promise<{ keys: object[] }> {
    return exportJWK(this.#publicKey).then(key => ({
      keys: [{ use: 'sig', ...key, kid: this.#keyId, alg: this.#algorithm }],
    }))
  }

  discovery(): object {
    return {
      issuer: this.issuer,
      jwks_uri: this.#keysUrl,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.#algorithm],
    }
  }

  async #signed(token: string): Promise<Claims | undefined> {
    const known = this.#verified.get(token)
    if (known) return known
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        issuer: [...this.#issuers, legacyIssuer],
        algorithms: [this.#algorithm],
        currentDate: new Date(this.#core.clock.now()),
      })
      if (this.#verified.size >= 10_000) this.#verified.clear()
      this.#verified.set(token, payload)
      return payload
    } catch {
      return undefined
    }
  }

  /** Undefined when the account or what the token is bound to is gone, or another one of the same name. */
  #userOf(claims: Claims): UserInfo | undefined {
    const own = claims['kubernetes.io']
    const namespace = own?.namespace
    const account = own?.serviceaccount
    if (!namespace || !account?.name || !account.uid) return undefined
    if (!this.#isThere(ServiceAccount, namespace, account.name, account.uid)) return undefined
    const extra: Record<string, string[]> = { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] }
    for (const [claim, kind] of Object.entries(boundKinds)) {
      const object = own[claim as 'pod' | 'secret']
      if (!object) continue
      if (!this.#isThere(kind, namespace, object.name, object.uid)) return undefined
      if (claim === 'pod') {
        extra['authentication.kubernetes.io/pod-name'] = [object.name]
        extra['authentication.kubernetes.io/pod-uid'] = [object.uid]
      }
    }
    if (own.node) {
      const { name, uid } = own.node
      if (!own.pod && !(uid && this.#isThere(Node, undefined, name, uid))) return undefined
      extra['authentication.kubernetes.io/node-name'] = [name]
      if (uid) extra['authentication.kubernetes.io/node-uid'] = [uid]
    }
    return {
      username: `system:serviceaccount:${namespace}:${account.name}`,
      uid: account.uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra,
    }
  }

  #isThere(kind: Kind<any>, namespace: string | undefined, name: string, uid: string): boolean {
    const kept = this.#core.cache.get(this.#core.resources.of(kind), namespace, name)
    if (!kept) return false
    const { metadata } = this.#core.shared(kept)
    if (metadata.uid !== uid) return false
    // What should have gone a minute ago counts as gone: its node may never say so.
    const ended = metadata.deletionTimestamp
    return ended === undefined || Date.parse(ended) >= this.#core.clock.now() - leewayMs
  }
}
