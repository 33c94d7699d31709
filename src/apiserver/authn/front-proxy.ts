import { X509Certificate } from 'node:crypto'
import { ApiError } from '../../models/api-error.ts'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import { type Authenticator, authenticated } from './authenticator.ts'
import { userOf } from './client-certificates.ts'
import { headersBelow, headerValues } from './header-values.ts'

/** The headers by which a front proxy says who asks, in lower case; extension servers are told in the same words. */
export const remoteHeaders = {
  user: 'x-remote-user',
  uid: 'x-remote-uid',
  group: 'x-remote-group',
  extraPrefix: 'x-remote-extra-',
} as const

/**
 * Servers in front of ours that have authenticated the user. They are known by a certificate of an authority that signs
 * nothing else; without one, X-Remote-* headers mean nothing.
 */
export class FrontProxy implements Authenticator {
  readonly #allowedNames: readonly string[]
  readonly #now: () => number
  /** By the bytes that the listener keeps once a connection. */
  readonly #known = new WeakMap<Uint8Array, { allowed: boolean; endsMs: number }>()

  /** @param allowedNames common names that a proxy may have; none: any */
  constructor(allowedNames: readonly string[], now: () => number) {
    this.#allowedNames = allowedNames
    this.#now = now
  }

  authenticate(request: ApiRequest): UserInfo | undefined {
    const { frontProxyCertificate: der, peerCertificate, headers } = request
    if (!der) return undefined
    const username = headerValues(request, remoteHeaders.user)[0] ?? ''
    if (username !== '' && this.#isGood(der)) return remoteUser(request, username)
    // It speaks for nobody, and is nobody itself.
    if (!peerCertificate && !headers['authorization']) throw new ApiError('Unauthorized', 'Unauthorized')
    return undefined
  }

  #isGood(der: Uint8Array): boolean {
    let known = this.#known.get(der)
    if (!known) {
      const certificate = new X509Certificate(der)
      const name = userOf(certificate)?.username ?? ''
      const allowed = this.#allowedNames.length === 0 || this.#allowedNames.includes(name)
      this.#known.set(der, (known = { allowed, endsMs: Date.parse(certificate.validTo) }))
    }
    return known.allowed && known.endsMs >= this.#now()
  }
}

function remoteUser(request: ApiRequest, username: string): UserInfo {
  const uid = headerValues(request, remoteHeaders.uid)[0]
  const extra = headersBelow(request, remoteHeaders.extraPrefix)
  return authenticated({
    username,
    groups: headerValues(request, remoteHeaders.group).filter(group => group !== ''),
    ...(uid ? { uid } : {}),
    ...(Object.keys(extra).length ? { extra } : {}),
  })
}
