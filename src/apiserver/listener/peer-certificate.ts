import { X509Certificate } from 'node:crypto'
import { certificatesOf } from '../../base/certificates.ts'

/** Whose certificates are believed: PEM bundles. */
export interface PeerAuthorities {
  /** Signs users. */
  clientCa?: string | undefined
  /** Signs those who may speak for others. */
  frontProxyCa?: string | undefined
}

/** The verified certificate of a client, under what it is good for. Both when one authority signs both. */
export interface PeerCertificates {
  peerCertificate?: Uint8Array
  frontProxyCertificate?: Uint8Array
}

interface Shown {
  raw?: Uint8Array
  issuerCertificate?: Shown
}

/** What a TLS socket has that matters here. */
export interface PeerSocket {
  authorized?: boolean
  getPeerCertificate(detailed: true): Shown | null
  [known]?: PeerCertificates
}

const known = Symbol('certificates')
const longestChain = 10

/** TLS believes both authorities alike; which of them signed decides what the certificate may do. */
export function peerCertificates({ clientCa = '', frontProxyCa = '' }: PeerAuthorities) {
  const clients = certificatesOf(clientCa).map(pem => new X509Certificate(pem))
  const proxies = certificatesOf(frontProxyCa).map(pem => new X509Certificate(pem))
  const read = (socket: PeerSocket): PeerCertificates => {
    const chain = socket.authorized ? chainOf(socket) : []
    if (!chain[0]) return {}
    const raw = chain[0].raw
    return {
      ...(isSigned(chain, clients) ? { peerCertificate: raw } : {}),
      ...(isSigned(chain, proxies) ? { frontProxyCertificate: raw } : {}),
    }
  }
  /** Once a connection: reading it costs more than serving a small request. */
  return (socket: PeerSocket): PeerCertificates => (socket[known] ??= read(socket))
}

/** The client's own certificate first. */
function chainOf(socket: PeerSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let shown = socket.getPeerCertificate(true)
  while (shown?.raw && chain.length < longestChain) {
    chain.push(new X509Certificate(shown.raw))
    shown = shown.issuerCertificate && shown.issuerCertificate !== shown ? shown.issuerCertificate : null
  }
  return chain
}

/** Whether one of the authorities signed the chain, at whatever place, each link being signed by the next. */
function isSigned(chain: X509Certificate[], authorities: X509Certificate[]): boolean {
  for (const [i, certificate] of chain.entries()) {
    if (i > 0 && !isIssuedBy(chain[i - 1]!, certificate)) return false
    if (authorities.some(authority => isIssuedBy(certificate, authority))) return true
  }
  return false
}

const isIssuedBy = (certificate: X509Certificate, authority: X509Certificate) =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
