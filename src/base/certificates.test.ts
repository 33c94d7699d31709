import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  certificateCovers,
  createAuthority,
  issueCertificate,
  readSigningRequest,
  signRequest,
} from './certificates.ts'
import { systemClock } from './clock.ts'
import { createSigningRequest } from './signing-request.ts'

test('an issued certificate is signed by its authority and carries names, groups and usages', async () => {
  const ca = await createAuthority('optiflow-ca', systemClock)
  const made = await issueCertificate(
    ca,
    {
      commonName: 'admin',
      organizations: ['system:masters'],
      dnsNames: ['localhost'],
      ips: ['127.0.0.1'],
      usages: ['client', 'server'],
    },
    systemClock,
  )
  const cert = new X509Certificate(made.cert)
  expect(cert.verify(new X509Certificate(ca.cert).publicKey)).toBe(true)
  expect(cert.subject).toBe('CN=admin\nO=system:masters')
  expect(cert.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1')
  expect(certificateCovers(made.cert, { dnsNames: ['localhost'], ips: ['127.0.0.1'] }, 30, systemClock)).toBe(true)
  expect(certificateCovers(made.cert, { dnsNames: ['elsewhere'], ips: [] }, 30, systemClock)).toBe(false)
  expect(certificateCovers(made.cert, { dnsNames: [], ips: [] }, 400, systemClock)).toBe(false)
})

test('a signed request keeps the names and the key of the one who asked', async () => {
  const ca = await createAuthority('optiflow-ca', systemClock)
  const asked = await createSigningRequest({
    commonName: 'system:node:n1',
    organizations: ['system:nodes'],
    ips: ['10.0.0.1'],
  })
  expect(await readSigningRequest(asked.request)).toEqual({
    commonName: 'system:node:n1',
    organizations: ['system:nodes'],
    dnsNames: [],
    ips: ['10.0.0.1'],
    emails: [],
    uris: [],
  })
  const cert = new X509Certificate(await signRequest(ca, asked.request, { usages: ['client'] }, systemClock))
  expect(cert.checkIssued(new X509Certificate(ca.cert))).toBe(true)
  expect(cert.subject).toBe('CN=system:node:n1\nO=system:nodes')
})
