import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { type OidcOptions, OidcTokens } from './oidc-tokens.ts'

const issuerUrl = 'https://login.example.com'
const base: OidcOptions = { issuerUrl, clientId: 'kubernetes', groupsClaim: 'groups' }
let clock: VirtualClock
let published: object[]
let asked: string[]
const [first, second] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')]
const jwk = async (key: typeof first.publicKey, kid: string) => ({
  ...(await exportJWK(key)),
  kid,
  alg: 'RS256',
  use: 'sig',
})

beforeEach(async () => {
  clock = new VirtualClock()
  asked = []
  published = [await jwk(first.publicKey, 'one')]
})

const net = {
  async request(url: string) {
    asked.push(url)
    const value = url.endsWith('/openid-configuration')
      ? { issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` }
      : { keys: published }
    return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(value)) }
  },
} as unknown as Net

const token = (claims: object, key = first.privateKey, kid = 'one') =>
  new SignJWT({ iss: issuerUrl, aud: 'kubernetes', sub: 'ann', exp: clock.now() / 1000 + 60, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid })
    .sign(key)

const start = (options: Partial<OidcOptions> = {}) =>
  new OidcTokens({ ...base, ...options }, { net, clock, log: silentLogger })
async function ask(tokens: OidcTokens, text: string) {
  const { signal } = new AbortController()
  const request = { method: 'GET', url: '/', headers: { authorization: `Bearer ${text}` }, signal }
  try {
    return await tokens.authenticate(request)
  } catch (error) {
    return (error as { code: number }).code
  }
}

test('a token of the issuer says who somebody is and what he belongs to', async () => {
  expect(await ask(start(), await token({ groups: ['dev', 'ops'] }))).toEqual({
    username: `${issuerUrl}#ann`,
    groups: ['dev', 'ops', 'system:authenticated'],
  })
  const byMail = start({ usernameClaim: 'email', groupsPrefix: 'oidc:' })
  expect(await ask(byMail, await token({ email: 'a@example.com', groups: 'dev' }))).toEqual({
    username: 'a@example.com',
    groups: ['oidc:dev', 'system:authenticated'],
  })
  expect(await ask(start({ usernamePrefix: '-' }), await token({}))).toMatchObject({ username: 'ann' })
})

test.each<[string, object, Partial<OidcOptions>]>([
  ['is for another client', { aud: 'other' }, {}],
  ['is over', { exp: 1 }, {}],
  ['lacks a claim that it must have', {}, { requiredClaims: { team: 'core' } }],
  ['has an address that nobody verified', { email: 'a@b.c', email_verified: false }, { usernameClaim: 'email' }],
  ['names nobody', { sub: '' }, {}],
  ['has groups that are no names', { groups: [{}] }, {}],
])('a token that %s is refused', async (_, claims, options) => {
  expect(await ask(start(options), await token(claims))).toBe(401)
})

test("others' tokens are left to others", async () => {
  expect(await ask(start(), await token({ iss: 'https://other.example.com' }))).toBeUndefined()
  expect(await ask(start(), 'abcdef.0123456789abcdef')).toBeUndefined()
  expect(asked).toEqual([])
})

test('new keys of the issuer are learned, but made-up ones do not make it be asked all the time', async () => {
  const tokens = start()
  expect(await ask(tokens, await token({}))).toMatchObject({ username: `${issuerUrl}#ann` })
  published = [await jwk(second.publicKey, 'two')]
  await clock.advance(11_000)
  expect(await ask(tokens, await token({}, second.privateKey, 'two'))).toMatchObject({ username: `${issuerUrl}#ann` })
  const before = asked.length
  for (let i = 0; i < 20; i++) expect(await ask(tokens, await token({}, first.privateKey, `made-up-${i}`))).toBe(401)
  expect(asked.length).toBe(before)
  expect(await ask(tokens, await token({}, first.privateKey, 'two'))).toBe(401)
})
