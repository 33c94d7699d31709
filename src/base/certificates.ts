import { createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { CertificateSubject } from './signing-request.ts'

export { type CertificateSubject, createSigningRequest } from './signing-request.ts'

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  cert: string
  key: string
}

export interface CertificateRequest extends CertificateSubject {
  dnsNames?: string[]
  ips?: string[]
  usages: ('client' | 'server')[]
  /** Days from now; 365 unless said otherwise. */
  days?: number
  /** For old suites, whose key exchange is RSA's, and clients that read no other key. Of 2,048 bits: takes some 0.1 s; ECDSA P-256 unless given. */
  rsa?: boolean
}

/** What a signer decides about somebody else's request. */
export interface SigningPolicy {
  usages: ('client' | 'server')[]
  days?: number
  /** For how long before now it holds already, for clocks that are behind: milliseconds, an hour unless given. */
  backdatedMs?: number
}

const subjectAltNameOid = '2.5.29.17'
const dayMs = 86_400_000
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const exponent = new Uint8Array([1, 0, 1])
const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: exponent, hash: 'SHA-256' }

/** The X.509 library is 50 ms of start-up: only those who issue something pay for it. */
async function library() {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as any)
  return x509
}

/** A new self-signed authority (ECDSA P-256, ten years). */
export async function createAuthority(name: string, clock: Clock): Promise<KeyPair> {
  const x509 = await library()
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    keys: keys as any,
    signingAlgorithm: algorithm,
    notBefore: new Date(clock.now() - dayMs),
    notAfter: new Date(clock.now() + 3650 * dayMs),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as any),
    ],
  })
  return { cert: cert.toString('pem'), key: await privatePem(keys.privateKey) }
}

/**
 * The same authority for ten more years: its own key signs a certificate for the same name and key, so that all that it
 * has signed stays good, with whoever has the old certificate and with whoever has the new one.
 * @throws when the key is not that of the certificate
 */
export async function resignAuthority({ cert, key }: KeyPair, clock: Clock): Promise<KeyPair> {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error('the private key is not that of the certificate')
  const x509 = await library()
  const old = new x509.X509Certificate(cert)
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: old.subjectName,
    issuer: old.subjectName,
    notBefore: new Date(clock.now() - dayMs),
    notAfter: new Date(clock.now() + 3650 * dayMs),
    publicKey: (await old.publicKey.export()) as any,
    signingKey: (await importPrivate(key)) as any,
    signingAlgorithm: algorithm,
    extensions: old.extensions,
  })
  return { cert: made.toString('pem'), key }
}

/** True when both certificates (PEM) are of one authority: the same name and key, each signed by that key itself. */
export function isSameAuthority(known: string, other: string): boolean {
  const [a, b] = [new X509Certificate(known), new X509Certificate(other)]
  return (
    a.subject === b.subject &&
    b.subject === b.issuer &&
    b.ca &&
    publicKeyOf(a).equals(publicKeyOf(b)) &&
    b.verify(a.publicKey)
  )
}

const publicKeyOf = ({ publicKey }: X509Certificate) => publicKey.export({ type: 'spki', format: 'der' })

/** A new key and a certificate for it, signed by `authority`. */
export async function issueCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  clock: Clock,
): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(request.rsa ? rsa : algorithm, true, ['sign', 'verify'])
  const cert = await sign(authority, keys.publicKey, request, request, request.days ?? 365, clock)
  return { cert, key: await privatePem(keys.privateKey) }
}

/** What a request asks for; every list may be empty. */
export interface RequestedSubject extends CertificateSubject {
  organizations: string[]
  dnsNames: string[]
  ips: string[]
  emails: string[]
  uris: string[]
}

/** What a PKCS#10 request asks for. @throws when it is not one, or its signature does not match its key. */
export async function readSigningRequest(pem: string): Promise<RequestedSubject> {
  const x509 = await library()
  const request = new x509.Pkcs10CertificateRequest(pem)
  if (!(await request.verify())) throw new Error('the signature of the certificate request does not match its key')
  const extension = request.extensions.find(e => e.type === subjectAltNameOid)
  const names = extension ? new x509.SubjectAlternativeNameExtension(extension.rawData).names.items : []
  return {
    commonName: request.subjectName.getField('CN')[0] ?? '',
    organizations: request.subjectName.getField('O'),
    dnsNames: names.filter(n => n.type === 'dns').map(n => n.value),
    ips: names.filter(n => n.type === 'ip').map(n => n.value),
    emails: names.filter(n => n.type === 'email').map(n => n.value),
    uris: names.filter(n => n.type === 'url').map(n => n.value),
  }
}

/** A certificate (PEM) for the key and names in a PKCS#10 request. */
export async function signRequest(
  authority: KeyPair,
  pem: string,
  policy: SigningPolicy,
  clock: Clock,
): Promise<string> {
  const x509 = await library()
  const wanted = await readSigningRequest(pem)
  const publicKey = await new x509.Pkcs10CertificateRequest(pem).publicKey.export()
  return sign(authority, publicKey as webcrypto.CryptoKey, wanted, policy, policy.days ?? 365, clock)
}

async function sign(
  authority: KeyPair,
  publicKey: webcrypto.CryptoKey,
  subject: CertificateSubject & { dnsNames?: string[]; ips?: string[] },
  policy: SigningPolicy,
  days: number,
  clock: Clock,
): Promise<string> {
  const x509 = await library()
  const issuer = new x509.X509Certificate(authority.cert)
  const names = alternativeNames(subject)
  const uses = policy.usages.map(u => x509.ExtendedKeyUsage[u === 'client' ? 'clientAuth' : 'serverAuth'])
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: nameOf(subject),
    issuer: issuer.subjectName,
    notBefore: new Date(clock.now() - (policy.backdatedMs ?? dayMs / 24)),
    notAfter: new Date(clock.now() + days * dayMs),
    publicKey: publicKey as any,
    signingKey: (await importPrivate(authority.key)) as any,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(uses),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(names.length ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  })
  return cert.toString('pem')
}

/** The certificates of a bundle, each as PEM without what stands between them. */
export function certificatesOf(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

/** From when until when a certificate holds: wall time in milliseconds. */
export interface Validity {
  fromMs: number
  untilMs: number
}

/** @param pem a certificate. @throws when it is none */
export function validityOf(pem: string): Validity {
  const { validFrom, validTo } = new X509Certificate(pem)
  return { fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo) }
}

/** True when the certificate (PEM) covers all these names and addresses for at least `days` more. */
export function certificateCovers(
  pem: string,
  names: { dnsNames: string[]; ips: string[] },
  days: number,
  clock: Clock,
): boolean {
  const cert = new X509Certificate(pem)
  if (Date.parse(cert.validTo) < clock.now() + days * dayMs) return false
  const has = new Set((cert.subjectAltName ?? '').split(', '))
  return names.dnsNames.every(n => has.has(`DNS:${n}`)) && names.ips.every(ip => has.has(`IP Address:${ip}`))
}

/** A new RSA key pair (PEM) for signing tokens. */
export async function createTokenKey(): Promise<{ privateKey: string; publicKey: string }> {
  const keys = await webcrypto.subtle.generateKey(rsa, true, ['sign', 'verify'])
  const privateKey = await privatePem(keys.privateKey)
  return { privateKey, publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString() }
}

const randomSerial = () => Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex')

function nameOf(subject: CertificateSubject) {
  return [{ CN: [subject.commonName] }, ...(subject.organizations ?? []).map(o => ({ O: [o] }))]
}

function alternativeNames(subject: { dnsNames?: string[]; ips?: string[] }) {
  return [
    ...(subject.dnsNames ?? []).map(value => ({ type: 'dns' as const, value })),
    ...(subject.ips ?? []).map(value => ({ type: 'ip' as const, value })),
  ]
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()
}

async function importPrivate(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
}
