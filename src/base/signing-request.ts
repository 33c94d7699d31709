import { generateKeyPair, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { addressBytes } from './ip.ts'

export interface CertificateSubject {
  /** CN: the user's or server's name. */
  commonName: string
  /** O: the groups of a client. */
  organizations?: string[]
}

// Written by hand, since the X.509 library takes 20 MB, which an agent that asks for its keys once would keep.

/** One value in DER: its tag, its length, and what is in it. */
function der(tag: number, ...parts: (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : part)))
  const size = content.length
  const bytes = size < 0x100 ? 1 : 2
  const length = size < 0x80 ? [size] : [0x80 + bytes, ...(bytes === 2 ? [size >> 8] : []), size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const set = (...parts: Uint8Array[]) => der(0x31, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))

const oids = {
  commonName: oid('550403'),
  organization: oid('55040a'),
  alternativeNames: oid('551d11'),
  extensionRequest: oid('2a864886f70d01090e'),
  ecdsaWithSha256: oid('2a8648ce3d040302'),
}

/**
 * A new key (ECDSA P-256) and a PKCS#10 request for it, both PEM: what a node sends to be let in.
 * @see https://www.rfc-editor.org/rfc/rfc2986
 */
export async function createSigningRequest(
  subject: CertificateSubject & { dnsNames?: string[]; ips?: string[] },
): Promise<{ request: string; key: string }> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const version = der(0x02, Buffer.from([0]))
  const about = sequence(version, nameOf(subject), publicKey.export({ type: 'spki', format: 'der' }), wishesOf(subject))
  const signature = sign('sha256', about, { key: privateKey, dsaEncoding: 'der' })
  // The first byte of a bit string counts the bits that are not used.
  const request = sequence(about, sequence(oids.ecdsaWithSha256), der(0x03, Buffer.from([0]), signature))
  return {
    request: pem('CERTIFICATE REQUEST', request),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function nameOf({ commonName, organizations = [] }: CertificateSubject): Buffer {
  const part = (type: Buffer, text: string) => set(sequence(type, der(0x0c, text)))
  return sequence(
    part(oids.commonName, commonName),
    ...organizations.map(organization => part(oids.organization, organization)),
  )
}

/** The extensions that are asked for: only the names and addresses, if there are any. */
function wishesOf({ dnsNames = [], ips = [] }: { dnsNames?: string[]; ips?: string[] }): Buffer {
  const names = [...dnsNames.map(name => der(0x82, name)), ...ips.map(ip => der(0x87, addressBytes(ip)))]
  if (!names.length) return der(0xa0)
  const extensions = sequence(sequence(oids.alternativeNames, der(0x04, sequence(...names))))
  return der(0xa0, sequence(oids.extensionRequest, set(extensions)))
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
