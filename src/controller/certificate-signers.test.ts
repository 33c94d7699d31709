import { expect, it } from 'vitest'
import type { RequestedSubject } from '../base/certificates.ts'
import type { CertificateSigningRequest } from '../models/kinds/index.ts'
import { signerProblem } from './certificate-signers.ts'
import { msUntilCleanup } from './certificate-signing-request.ts'

const client = 'kubernetes.io/kube-apiserver-client-kubelet'
const serving = 'kubernetes.io/kubelet-serving'
const general = 'kubernetes.io/kube-apiserver-client'
const none = { dnsNames: [], ips: [], emails: [], uris: [] }
const node: RequestedSubject = { commonName: 'system:node:n1', organizations: ['system:nodes'], ...none }
const served = { ...node, ips: ['192.0.2.1'] }
const [forClients, forServers] = [
  ['digital signature', 'client auth'],
  ['key encipherment', 'digital signature', 'server auth'],
]

it.each<[string, string[], RequestedSubject, string | undefined]>([
  [client, forClients, node, undefined],
  [client, ['key encipherment', ...forClients], node, undefined],
  [client, ['client auth'], node, 'usages did not match [client auth digital signature key encipherment]'],
  [
    client,
    ['server auth', ...forClients],
    node,
    'usages did not match [client auth digital signature key encipherment]',
  ],
  [client, forClients, { ...node, organizations: ['system:masters'] }, 'subject organization is not system:nodes'],
  [
    client,
    forClients,
    { ...node, organizations: ['system:nodes', 'more'] },
    'subject organization is not system:nodes',
  ],
  [client, forClients, { ...node, commonName: 'admin' }, 'subject common name does not begin with system:node:'],
  [client, forClients, { ...node, dnsNames: ['n1'] }, 'DNS subjectAltNames are not allowed'],
  [client, forClients, { ...node, emails: ['a@b.example'] }, 'Email subjectAltNames are not allowed'],
  [client, forClients, served, 'IP subjectAltNames are not allowed'],
  [client, forClients, { ...node, uris: ['spiffe://x'] }, 'URI subjectAltNames are not allowed'],
  [serving, forServers, served, undefined],
  [serving, forServers, { ...node, dnsNames: ['n1'] }, undefined],
  [serving, forServers, node, 'DNS or IP subjectAltName is required'],
  [serving, forServers, { ...served, emails: ['a@b.example'] }, 'Email subjectAltNames are not allowed'],
  [serving, forClients, served, 'usages did not match [digital signature key encipherment server auth]'],
  [general, forClients, { ...node, organizations: ['dev'], commonName: 'ann' }, undefined],
  [general, ['client auth', 'code signing'], node, 'invalid usage for client certificate: code signing'],
  [general, ['digital signature'], node, 'missing required usage for client certificate: client auth'],
])('%s, usages %j, %j: %s', (signer, usages, wanted, problem) => {
  expect(signerProblem(signer, usages, wanted)).toBe(problem)
})

it.each<[string, string[], string | undefined, number]>([
  ['nobody decided', [], undefined, 24],
  ['approved, not yet signed', ['Approved'], undefined, Infinity],
  ['approved and signed', ['Approved'], 'PEM', 3],
  ['denied', ['Denied'], undefined, 3],
  ['approved and failed', ['Approved', 'Failed'], undefined, 3],
])('a request that is %s goes after its time', (_, types, certificate, hours) => {
  const createdMs = Date.UTC(2026, 0, 1)
  const at = (hour: number) => new Date(createdMs + hour * 3_600_000).toISOString()
  const request = {
    metadata: { name: 'r', creationTimestamp: at(0) },
    status: { conditions: types.map(type => ({ type, lastUpdateTime: at(2) })), certificate },
  } as unknown as CertificateSigningRequest
  expect(msUntilCleanup(request, createdMs) / 3_600_000).toBe(hours)
})
