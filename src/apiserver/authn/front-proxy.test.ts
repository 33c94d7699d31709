import { request } from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate, type KeyPair } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import type { Listening } from '../index.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let listening: Listening
let ca: KeyPair
const clients: Record<string, KeyPair> = {}

beforeAll(async () => {
  const [users, proxies] = await Promise.all([
    createAuthority('users', systemClock),
    createAuthority('proxies', systemClock),
  ])
  ca = users
  const client = async (name: string, by: KeyPair, commonName: string, organizations: string[] = []) => {
    clients[name] = await issueCertificate(by, { commonName, organizations, usages: ['client'] }, systemClock)
  }
  const own = await issueCertificate(users, { commonName: 'api', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  await Promise.all([
    client('alice', users, 'alice', ['builders']),
    client('user named like the proxy', users, 'front-proxy-client'),
    client('proxy', proxies, 'front-proxy-client', ['system:masters']),
    client('another proxy', proxies, 'somebody', ['system:masters']),
  ])
  server = await startTestServer({ frontProxy: { ca: proxies.cert, allowedNames: ['front-proxy-client'] } })
  listening = await server.api.listen({
    ...{ host: '127.0.0.1', port: 0 },
    tls: { ...own, clientCa: users.cert, frontProxyCa: proxies.cert },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

/** Whom the server takes the client for: the user, or the status of its refusal. */
function whoIs(client: string | undefined, headers: Record<string, string | string[]> = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asking = request(
      `${listening.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`,
      {
        ...{ method: 'POST', ca: ca.cert, agent: false, ...(client ? clients[client] : {}) },
        headers: { 'content-type': 'application/json', ...headers },
      },
      async reply => {
        const body = JSON.parse(Buffer.concat(await reply.toArray()).toString())
        resolve(reply.statusCode === 201 ? body.status.userInfo : reply.statusCode)
      },
    )
    asking.on('error', reject)
    asking.end('{}')
  })
}

const bob = { 'x-remote-user': 'bob' }
const alice = { username: 'alice', groups: ['builders', 'system:authenticated'] }

test('a front proxy says who asks, groups with commas and all', async () => {
  const headers = {
    ...bob,
    'x-remote-group': ['a,b', 'c'],
    'x-remote-uid': '42',
    'x-remote-extra-example.com%2Fscopes': ['x, y', 'z'],
  }
  expect(await whoIs('proxy', headers)).toEqual({
    ...{ username: 'bob', uid: '42', groups: ['a,b', 'c', 'system:authenticated'] },
    extra: { 'example.com/scopes': ['x, y', 'z'] },
  })
})

test('X-Remote headers of others are nothing', async () => {
  expect(await whoIs('alice', { ...bob, 'x-remote-group': 'system:masters' })).toEqual({
    ...alice,
    extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)] },
  })
  expect(await whoIs('user named like the proxy', bob)).toMatchObject({ username: 'front-proxy-client' })
  expect(await whoIs(undefined, bob)).toBe(403)
})

test('the certificate of a front proxy is nobody by itself', async () => {
  expect(await whoIs('proxy')).toBe(401)
  expect(await whoIs('proxy', { 'x-remote-user': '' })).toBe(401)
})

test('a proxy whose name is not allowed speaks for nobody', async () => {
  expect(await whoIs('another proxy', bob)).toBe(401)
})

test('groups of impersonation may hold commas too', async () => {
  const headers = { ...bob, 'x-remote-group': 'system:masters', 'impersonate-user': 'carol' }
  expect(await whoIs('proxy', { ...headers, 'impersonate-group': ['a,b', 'c'] })).toMatchObject({
    ...{ username: 'carol', groups: ['a,b', 'c', 'system:authenticated'] },
  })
})
