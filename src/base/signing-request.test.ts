import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { createAuthority, readSigningRequest, signRequest } from './certificates.ts'
import { createSigningRequest } from './signing-request.ts'
import { VirtualClock } from './virtual-clock.ts'

it('is read and signed as it was meant, however long its names are', async () => {
  const clock = new VirtualClock()
  // More than 127 and more than 255 bytes take other forms of lengths.
  const long = Array.from({ length: 12 }, (_, i) => `node-${i}.a-rather-long-name.example.com`)
  for (const dnsNames of [[], ['n1'], long.slice(0, 2), long]) {
    const ips = dnsNames.length ? ['10.0.0.7', 'fd00::7'] : []
    const subject = { commonName: 'system:node:größe', organizations: ['system:nodes', 'others'], dnsNames, ips }
    const { request, key } = await createSigningRequest(subject)
    const read = await readSigningRequest(request)
    expect({ ...read, ips: read.ips.map(ip => ip.replace(/^fd00:0:.*:0:7$/, 'fd00::7')) }).toEqual({
      ...subject,
      emails: [],
      uris: [],
    })
    const authority = await createAuthority('test', clock)
    const cert = new X509Certificate(await signRequest(authority, request, { usages: ['client'] }, clock))
    expect(cert.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(createPublicKey(key).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  }
})
