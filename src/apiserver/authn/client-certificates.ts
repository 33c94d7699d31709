import { X509Certificate } from 'node:crypto'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import { type Authenticator, authenticated } from './authenticator.ts'

/** CN is the user, each O a group. The listener has verified the chain. */
export class ClientCertificates implements Authenticator {
  /** By the bytes that the listener keeps once a connection. */
  readonly #known = new WeakMap<Uint8Array, { user: UserInfo | undefined; endsMs: number }>()
  readonly #now: () => number
  readonly #used: (remainingMs: number) => void

  /** @param used told of every request for how long its certificate is still valid */
  constructor(now: () => number, used: (remainingMs: number) => void = () => {}) {
    this.#now = now
    this.#used = used
  }

  authenticate(request: ApiRequest): UserInfo | undefined {
    const der = request.peerCertificate
    if (!der) return undefined
    let known = this.#known.get(der)
    if (!known) {
      const certificate = new X509Certificate(der)
      known = { user: withCredential(userOf(certificate), certificate), endsMs: Date.parse(certificate.validTo) }
      this.#known.set(der, known)
    }
    const remainingMs = known.endsMs - this.#now()
    if (remainingMs < 0) return undefined
    this.#used(remainingMs)
    return known.user
  }
}

/** By which certificate somebody came, as Kubernetes 1.32 tells it to whoever reviews or records. */
function withCredential(user: UserInfo | undefined, { fingerprint256 }: X509Certificate): UserInfo | undefined {
  if (!user) return undefined
  const id = `X509SHA256=${fingerprint256.replaceAll(':', '').toLowerCase()}`
  return { ...user, extra: { 'authentication.kubernetes.io/credential-id': [id] } }
}

export function userOf(certificate: X509Certificate): UserInfo | undefined {
  const subject = certificate.toLegacyObject().subject as unknown as Record<string, string | string[] | undefined>
  const [username] = [subject['CN']].flat()
  if (!username) return undefined
  const groups = [subject['O']].flat().filter((o): o is string => o !== undefined)
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  return authenticated({
    ...{ username, groups },
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
  })
}
