import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import type { Net } from '../../base/net.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { startTestServer } from '../testing/test-server.ts'
import { readAuthenticationConfiguration } from './authentication-configuration.ts'

const kind = { apiVersion: 'apiserver.config.k8s.io/v1beta1', kind: 'AuthenticationConfiguration' }
const issuer = { url: 'https://login.example.com', audiences: ['kubernetes'] }
const username = { claim: 'sub', prefix: '' }
const read = (jwt: unknown, more: object = {}) => readAuthenticationConfiguration({ ...kind, jwt, ...more })

/** Who somebody with these claims is, by this configuration. */
const userOf = (config: object, claims: Record<string, unknown>) =>
  read([{ issuer, claimMappings: { username }, ...config }]).issuers[0]!.userOf(claims)

test('claims and expressions over them say who somebody is', () => {
  const claimMappings = {
    username: { expression: 'claims.email_verified ? claims.email : claims.sub' },
    groups: { expression: 'claims.roles.split(",")' },
    uid: { claim: 'sub' },
    extra: [
      { key: 'example.com/tenant', valueExpression: 'claims.tenant' },
      { key: 'example.com/none', valueExpression: '""' },
    ],
  }
  const claims = { sub: '7', email: 'a@example.com', email_verified: true, roles: 'dev,ops,', tenant: 'red' }
  expect(userOf({ claimMappings }, claims)).toEqual({
    username: 'a@example.com',
    groups: ['dev', 'ops'],
    uid: '7',
    extra: { 'example.com/tenant': ['red'] },
  })
  const plain = { username: { claim: 'sub', prefix: 'o:' }, groups: { claim: 'groups', prefix: 'g:' } }
  expect(userOf({ claimMappings: plain }, { sub: '7', groups: 'dev' })).toEqual({ username: 'o:7', groups: ['g:dev'] })
})

test.each<[string, object, string]>([
  ['a claim that must be', { claimValidationRules: [{ claim: 'hd', requiredValue: 'x' }] }, 'claim hd is not "x"'],
  [
    'a rule over claims',
    { claimValidationRules: [{ expression: 'claims.sub == "8"', message: 'only eight' }] },
    'only eight',
  ],
  [
    'a rule over users',
    { userValidationRules: [{ expression: 'user.username == "8"' }] },
    `validation expression 'user.username == "8"' failed`,
  ],
  [
    'a name that is no text',
    { claimMappings: { username: { expression: 'claims.exp' } } },
    'the expression of username is no text',
  ],
  [
    'an expression that fails',
    { claimMappings: { username: { expression: 'claims.nothing' } } },
    `expression 'claims.nothing' resulted in error: no such key: nothing`,
  ],
])('%s keeps somebody out', (_, config, message) => {
  expect(() => userOf(config, { sub: '7', exp: 5 })).toThrow(message)
})

const at = 'jwt[0]'
const jwt = (more: object) => [{ issuer, claimMappings: { username }, ...more }]

test.each<[string, unknown, string]>([
  ['no address', jwt({ issuer: { audiences: ['a'] } }), `${at}.issuer.url: Required value: URL is required`],
  [
    'an open address',
    jwt({ issuer: { ...issuer, url: 'http://x' } }),
    `${at}.issuer.url: Invalid value: "http://x": URL scheme must be https`,
  ],
  [
    'our own address',
    jwt({ issuer: { ...issuer, url: 'https://own' } }),
    `${at}.issuer.url: Invalid value: "https://own": URL must not overlap with disallowed issuers: [https://own]`,
  ],
  [
    'no audience',
    jwt({ issuer: { url: issuer.url } }),
    `${at}.issuer.audiences: Required value: at least one ${at}.issuer.audiences is required`,
  ],
  [
    'several audiences',
    jwt({ issuer: { ...issuer, audiences: ['a', 'b'] } }),
    `${at}.issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences`,
  ],
  ['an issuer twice', [...jwt({}), ...jwt({})], 'jwt[1].issuer.url: Duplicate value: "https://login.example.com"'],
  [
    'no name',
    jwt({ claimMappings: {} }),
    `${at}.claimMappings.username: Required value: claim or expression is required`,
  ],
  [
    'no prefix',
    jwt({ claimMappings: { username: { claim: 'sub' } } }),
    `${at}.claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing`,
  ],
  [
    'an address that nobody verified',
    jwt({ claimMappings: { username: { expression: 'claims.email' } } }),
    `${at}.claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in`,
  ],
  [
    'a key of Kubernetes',
    jwt({ claimMappings: { username, extra: [{ key: 'a.k8s.io/x', valueExpression: '"a"' }] } }),
    `${at}.claimMappings.extra[0].key: Invalid value: "a.k8s.io/x": k8s.io, kubernetes.io and their subdomains are reserved`,
  ],
  [
    'an unknown variable',
    jwt({ userValidationRules: [{ expression: 'claims.x == 1' }] }),
    `${at}.userValidationRules[0].expression: Invalid value: "claims.x == 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'claims'`,
  ],
  ['an unknown field', jwt({ foo: 1 }), `${at}.foo: unknown field`],
])('%s is told', (_, entries, message) => {
  expect(() => readAuthenticationConfiguration({ ...kind, jwt: entries }, ['https://own'])).toThrow(message)
})

test('conditions on strangers need that there may be some', () => {
  expect(() => read([], { anonymous: { enabled: false, conditions: [{ path: '/livez' }] } })).toThrow(
    'anonymous.conditions: Invalid value',
  )
  expect(read([], { anonymous: { enabled: true } })).toEqual({ issuers: [] })
  expect(read([], { anonymous: { enabled: false } })).toEqual({ issuers: [], strangersAt: [] })
})

test('people of two issuers log in, and strangers come only where they may', async () => {
  const clock = new VirtualClock()
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }]
  const asked: string[] = []
  const net = {
    async request(url: string) {
      asked.push(url)
      const host = url.startsWith('https://inside') ? 'https://b.example.com' : new URL(url).origin
      const value = url.endsWith('/keys') ? { keys } : { issuer: host, jwks_uri: `${host}/keys` }
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(value)) }
    },
  } as unknown as Net
  const b = { url: 'https://b.example.com', discoveryURL: 'https://inside/well', audiences: ['x', 'y'] }
  const config = read(
    [
      { issuer, claimMappings: { username } },
      {
        issuer: { ...b, audienceMatchPolicy: 'MatchAny' },
        claimMappings: { username: { claim: 'sub', prefix: 'b:' } },
      },
    ],
    { anonymous: { enabled: true, conditions: [{ path: '/livez' }] } },
  )
  const server = await startTestServer({ ...config, net, clock })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const ask = async (url: string, headers: Record<string, string> = {}) => {
    const { signal } = new AbortController()
    const body = Buffer.from('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}')
    const review = url.includes('reviews') ? { method: 'POST', body } : { method: 'GET' }
    const reply = await server.api.handler({
      ...review,
      url,
      headers: { 'content-type': 'application/json', ...headers },
      signal,
    })
    return { status: reply.status, text: Buffer.from(reply.body as Uint8Array).toString() }
  }
  const reviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const token = (iss: string, aud: string) =>
    new SignJWT({ iss, aud, sub: 'ann', jti: '9', exp: clock.now() / 1000 + 60 })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .sign(privateKey)
  const as = async (iss: string, aud: string) => {
    const { status, text } = await ask(reviews, { authorization: `Bearer ${await token(iss, aud)}` })
    return status === 201 ? JSON.parse(text).status.userInfo : status
  }
  expect(await as('https://login.example.com', 'kubernetes')).toEqual({
    username: 'ann',
    groups: ['system:authenticated'],
    extra: { 'authentication.kubernetes.io/credential-id': ['JTI=9'] },
  })
  expect(await as('https://b.example.com', 'y')).toMatchObject({ username: 'b:ann' })
  expect(await as('https://b.example.com', 'z')).toBe(401)
  expect(asked).toContain('https://inside/well')
  expect((await ask('/livez')).status).toBe(200)
  expect((await ask('/version')).status).toBe(401)
})
