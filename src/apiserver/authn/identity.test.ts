import { createPrivateKey } from 'node:crypto'
import { decodeJwt, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAuthority, createTokenKey } from '../../base/certificates.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import type { UserInfo } from '../../models/rest.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let clock: VirtualClock
const tokenKeys = await createTokenKey()
beforeEach(async () => {
  clock = new VirtualClock()
  server = await startTestServer({ clock, tokenKeys })
})
afterEach(() => server[Symbol.asyncDispose]())

const ns = '/api/v1/namespaces/default'
const root: UserInfo = { username: 'root', groups: ['system:masters'] }

async function ask(method: string, url: string, headers: Record<string, string>, object?: object, user?: UserInfo) {
  const reply = await server.api.handler({
    ...{
      method,
      url,
      signal: new AbortController().signal,
      headers: { 'content-type': 'application/json', ...headers },
    },
    ...(object ? { body: Buffer.from(JSON.stringify(object)) } : {}),
    ...(user ? { user } : {}),
  })
  const text = Buffer.from(reply.body as Uint8Array).toString()
  const isText = String(reply.headers['content-type']).startsWith('text/')
  return { status: reply.status, headers: reply.headers, body: isText ? text : JSON.parse(text) }
}
const whoIs = async (headers: Record<string, string>, user?: UserInfo) => {
  const { status, body } = await ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', headers, {}, user)
  return status === 201 ? body.status.userInfo : status
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const bootstrapSecret = (data: Record<string, string>) => ({
  metadata: { name: 'bootstrap-token-abcdef' },
  type: 'bootstrap.kubernetes.io/token',
  stringData: {
    ...{ 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' },
    ...data,
  },
})
const secrets = '/api/v1/namespaces/kube-system/secrets'

test('a bootstrap token is good until its Secret says otherwise', async () => {
  const made = await server.call(
    'POST',
    secrets,
    bootstrapSecret({ expiration: '2026-01-01T01:00:00Z', 'auth-extra-groups': 'system:bootstrappers:workers' }),
  )
  expect(made.status).toBe(201)
  expect(await whoIs(bearer('abcdef.0123456789abcdef'))).toEqual({
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'],
  })
  expect(await whoIs(bearer('abcdef.0123456789abcdee'))).toBe(401)
  await clock.advance(3_600_000)
  expect(await whoIs(bearer('abcdef.0123456789abcdef'))).toBe(401)
})

test.each([
  ['its use is another', { 'usage-bootstrap-authentication': 'false' }],
  ['it gives groups that it may not', { 'auth-extra-groups': 'system:masters' }],
  ['its expiry is no time', { expiration: 'soon' }],
])('a bootstrap token is refused when %s', async (_, data) => {
  await server.call('POST', secrets, bootstrapSecret(data))
  expect(await whoIs(bearer('abcdef.0123456789abcdef'))).toBe(401)
})

const pod = (name: string) => ({
  metadata: { name },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'default' },
})
const requestToken = (spec: object) => server.call('POST', `${ns}/serviceaccounts/default/token`, { spec })
const ref = (kind: string, object: any) => ({
  apiVersion: 'v1',
  kind,
  name: object.metadata.name,
  uid: object.metadata.uid,
})

test('a token says what it is bound to, and ends with it', async () => {
  const { body: node } = await server.call('POST', '/api/v1/nodes', { metadata: { name: 'n1' } })
  const { body: mine } = await server.call('POST', `${ns}/pods`, pod('a'))
  const { body } = await requestToken({ expirationSeconds: 3607, boundObjectRef: ref('Pod', mine) })
  expect(body.status.expirationTimestamp).toBe('2026-01-01T01:00:07Z')
  const claims = decodeJwt(body.status.token) as any
  expect(claims['kubernetes.io']).toMatchObject({
    pod: { name: 'a', uid: mine.metadata.uid },
    node: { name: 'n1', uid: node.metadata.uid },
    warnafter: claims.iat + 3607,
  })
  expect(claims.exp - claims.iat).toBe(365 * 86_400)
  expect((await whoIs(bearer(body.status.token))).extra).toMatchObject({
    'authentication.kubernetes.io/pod-name': ['a'],
    'authentication.kubernetes.io/node-uid': [node.metadata.uid],
  })
  await server.call('DELETE', `${ns}/pods/a?gracePeriodSeconds=0`)
  await server.call('POST', `${ns}/pods`, pod('a'))
  expect(await whoIs(bearer(body.status.token))).toBe(401)
})

test('a token whose pod should have gone a minute ago is no longer good, though nobody confirmed it', async () => {
  const { body: mine } = await server.call('POST', `${ns}/pods`, pod('a'))
  const { body } = await requestToken({ boundObjectRef: ref('Pod', mine) })
  await server.call('DELETE', `${ns}/pods/a?gracePeriodSeconds=30`)
  await clock.advance(80_000)
  expect((await whoIs(bearer(body.status.token))).username).toBe('system:serviceaccount:default:default')
  await clock.advance(20_000)
  expect(await whoIs(bearer(body.status.token))).toBe(401)
})

test('token requests have limits', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  const message = async (spec: object) => (await requestToken(spec)).body.message
  expect(await message({ expirationSeconds: 599 })).toBe(
    'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
  )
  const { body: other } = await server.call('POST', `${ns}/serviceaccounts`, { metadata: { name: 'other' } })
  expect(other.metadata.name).toBe('other')
  const { body: theirs } = await server.call('POST', `${ns}/pods`, {
    ...pod('b'),
    spec: { ...pod('b').spec, serviceAccountName: 'other' },
  })
  expect(await message({ boundObjectRef: ref('Pod', theirs) })).toBe(
    'cannot bind token for serviceaccount "default" to pod running with different serviceaccount name.',
  )
  expect(await message({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'a', uid: 'x' } })).toMatch(
    /the UID in the bound object reference \(x\) does not match the UID in record/,
  )
  expect(await message({ boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'a' } })).toMatch(
    /cannot bind token to object of type v1, Kind=ConfigMap/,
  )
})

test('a token for others is none for the API; reviews say for whom it is', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  const { token } = (await requestToken({ audiences: ['vault'] })).body.status
  expect(await whoIs(bearer(token))).toBe(401)
  const review = async (audiences?: string[]) =>
    (await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences } })).body
      .status
  expect(await review()).toEqual({ user: {}, error: 'invalid bearer token' })
  expect(await review(['vault', 'x'])).toMatchObject({ authenticated: true, audiences: ['vault'] })
})

test('whoever is impersonated is in the groups that are said, and known or unknown, not both', async () => {
  const as = (headers: Record<string, string>) => whoIs(headers, root)
  expect(await as({ 'impersonate-user': 'a' })).toEqual({ username: 'a', groups: ['system:authenticated'] })
  expect(await as({ 'impersonate-user': 'a', 'impersonate-group': 'system:unauthenticated' })).toBe(403)
  expect(await as({ 'impersonate-user': 'system:serviceaccount:x:y' })).toMatchObject({
    groups: ['system:serviceaccounts', 'system:serviceaccounts:x', 'system:authenticated'],
  })
  expect(await as({ 'impersonate-user': 'a', 'impersonate-uid': 'u', 'impersonate-extra-scope%2fx': 'one' })).toEqual({
    ...{ username: 'a', uid: 'u', groups: ['system:authenticated'] },
    extra: { 'scope/x': ['one'] },
  })
  for (const name of ['impersonate-uid', 'impersonate-extra-x', 'impersonate-group'])
    expect(await as({ [name]: 'v' })).toBe(500)
})

test('the issuer says where its keys are, for an hour', async () => {
  const get = (url: string) => ask('GET', url, {}, undefined, root)
  const issuer = await get('/.well-known/openid-configuration')
  expect(issuer.body).toMatchObject({
    issuer: 'https://kubernetes.default.svc',
    id_token_signing_alg_values_supported: ['RS256'],
  })
  const keys = await get('/openid/v1/jwks')
  expect(keys.headers).toMatchObject({
    'content-type': 'application/jwk-set+json',
    'cache-control': 'public, max-age=3600',
  })
  expect(keys.body.keys[0]).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' })
})

test('tokens are signed with an elliptic key where that is the one given, and its certificate will do to check them', async () => {
  const { cert, key } = await createAuthority('tokens', clock)
  await using elliptic = await startTestServer({
    clock,
    tokenKeys: { privateKey: key, publicKey: cert },
    tokenIssuers: ['https://127.0.0.1:1/'],
  })
  const accounts = `${ns}/serviceaccounts`
  await elliptic.call('POST', accounts, { metadata: { name: 'robot' } })
  const issued = await elliptic.call('POST', `${accounts}/robot/token`, { spec: {} })
  expect(issued.body.spec.boundObjectRef).toBeNull()
  const review = { spec: { token: issued.body.status.token } }
  expect(
    (await elliptic.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)).body.status,
  ).toMatchObject({
    authenticated: true,
    user: { username: 'system:serviceaccount:default:robot' },
  })
  expect((await elliptic.call('GET', '/.well-known/openid-configuration')).body).toMatchObject({
    jwks_uri: 'https://127.0.0.1:1/openid/v1/jwks',
    id_token_signing_alg_values_supported: ['ES256'],
  })
  expect((await elliptic.call('GET', '/openid/v1/jwks')).body.keys[0]).toMatchObject({ kty: 'EC', alg: 'ES256' })
})

test('issuers, audiences and the place of keys may be others; of a former issuer tokens are believed still', async () => {
  const former = 'https://old.example'
  const store = await openMemoryStore()
  // Servers end with their store, which is needed once more.
  const lent = new Proxy(store, {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (key === Symbol.asyncDispose) return async () => {}
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const before = await startTestServer({ clock, tokenKeys, store: lent, tokenIssuers: [former] })
  await before.call('POST', `${ns}/serviceaccounts`, { metadata: { name: 'robot' } })
  const issue = async (at: TestServer, spec: object) =>
    (await at.call('POST', `${ns}/serviceaccounts/robot/token`, { spec })).body
  const old = await issue(before, {})
  expect(old.spec.audiences).toEqual([former])
  await before[Symbol.asyncDispose]()

  const tokenIssuers = ['https://new.example', former]
  const apiAudiences = ['api', former]
  const tokenKeysUrl = 'https://keys.example/jwks'
  await using now = await startTestServer({ clock, tokenKeys, store, tokenIssuers, apiAudiences, tokenKeysUrl })
  expect((await now.call('GET', '/.well-known/openid-configuration')).body).toMatchObject({
    issuer: 'https://new.example',
    jwks_uri: tokenKeysUrl,
  })
  expect((await issue(now, {})).spec.audiences).toEqual(apiAudiences)
  const review = async (token: string, audiences?: string[]) =>
    (await now.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences } })).body.status
  expect(await review(old.status.token)).toMatchObject({ authenticated: true, audiences: [former] })
  const own = (await issue(now, { audiences: ['api', 'vault'] })).status.token
  expect(await review(own)).toMatchObject({ authenticated: true, audiences: ['api'] })
  expect(await review(own, ['vault'])).toMatchObject({ authenticated: true, audiences: ['vault'] })
  const vault = (await issue(now, { audiences: ['vault'] })).status.token
  expect(await review(vault)).not.toHaveProperty('authenticated')
})

describe('a token that a Secret holds, as the token controller of Kubernetes signs it', () => {
  const username = 'system:serviceaccount:default:old'
  const secret = `${ns}/secrets/old-token`
  let token: string
  beforeEach(async () => {
    const { body: account } = await server.call('POST', `${ns}/serviceaccounts`, { metadata: { name: 'old' } })
    const said = { namespace: 'default', 'secret.name': 'old-token', 'service-account.name': 'old' }
    const claims = Object.entries({ ...said, 'service-account.uid': account.metadata.uid })
    const named = Object.fromEntries(claims.map(([name, value]) => [`kubernetes.io/serviceaccount/${name}`, value]))
    token = await new SignJWT({ ...named, iss: 'kubernetes/serviceaccount', sub: username })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(createPrivateKey(tokenKeys.privateKey))
    await server.call('POST', `${ns}/secrets`, {
      metadata: { name: 'old-token', annotations: { 'kubernetes.io/service-account.name': 'old' } },
      type: 'kubernetes.io/service-account-token',
      stringData: { token },
    })
  })
  const labels = async () => (await server.call('GET', secret)).body.metadata.labels
  const mark = (label: string, value: string | null) =>
    server.call('PATCH', secret, { metadata: { labels: { [label]: value } } }, ofMerge)
  const ofMerge = { 'content-type': 'application/merge-patch+json' }

  test('is good as long as the Secret holds it, which says when it was last used', async () => {
    const { body: account } = await server.call('GET', `${ns}/serviceaccounts/old`)
    const groups = ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated']
    expect(await labels()).toBeUndefined()
    expect(await whoIs(bearer(token))).toEqual({ username, uid: account.metadata.uid, groups })
    expect(await labels()).toEqual({ 'kubernetes.io/legacy-token-last-used': '2026-01-01' })
    await server.call('PATCH', secret, { stringData: { token: `${token}x` } }, ofMerge)
    expect(await whoIs(bearer(token))).toBe(401)
    const { body: since } = await server.call(
      'GET',
      '/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking',
    )
    expect(since.data).toEqual({ since: '2026-01-01' })
  })

  test('is refused while it is marked as invalid, and told of where its account names it', async () => {
    await mark('kubernetes.io/legacy-token-invalid-since', '2025-12-31')
    expect(await whoIs(bearer(token))).toBe(401)
    await mark('kubernetes.io/legacy-token-invalid-since', null)
    expect((await ask('GET', '/version', bearer(token))).headers['warning']).toBeUndefined()
    await server.call('PATCH', `${ns}/serviceaccounts/old`, { secrets: [{ name: 'old-token' }] }, ofMerge)
    expect((await ask('GET', '/version', bearer(token))).headers['warning']).toEqual([
      '299 - "Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens."',
    ])
  })

  test('speaks for nobody when its account is another one of the same name', async () => {
    await server.call('DELETE', `${ns}/serviceaccounts/old`)
    await server.call('POST', `${ns}/serviceaccounts`, { metadata: { name: 'old' } })
    expect(await whoIs(bearer(token))).toBe(401)
  })
})
