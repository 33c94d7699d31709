import { expect, test } from 'vitest'
import { authorizationOf, credentialsFor } from './hook-credentials.ts'
import { allow, configMap, configMaps, startWithHook } from './testing/hook-server.ts'

const users = (...names: string[]) => ({ users: new Map(names.map(name => [name, { token: name }])) })

test.each<[string, string[], string | undefined]>([
  ['hook.shop.svc:443', ['hook.shop.svc:443', 'hook.shop.svc', '*'], 'hook.shop.svc:443'],
  ['hook.shop.svc:443', ['*.shop.svc:443', '*.svc:443', 'hook.shop.svc'], '*.shop.svc:443'],
  ['hook.shop.svc:443', ['*.svc', '*.shop.svc'], '*.shop.svc'],
  ['hook.shop.svc:8443', ['hook.shop.svc', '*.svc'], undefined],
  ['localhost:443', ['*.svc', '*'], '*'],
])('%s among %j is %s', (target, names, token) => {
  expect(credentialsFor(users(...names), target)?.token).toBe(token)
})

test('the current user is shown where no name fits', () => {
  expect(credentialsFor({ ...users('a'), current: 'a' }, 'x:443')).toEqual({ token: 'a' })
})

test('a token goes before a name and a password', () => {
  const basic = { username: 'ann', password: 'p' }
  expect(authorizationOf({ token: 't', ...basic })).toBe('Bearer t')
  expect(authorizationOf(basic)).toBe(`Basic ${Buffer.from('ann:p').toString('base64')}`)
  expect(authorizationOf({})).toBeUndefined()
})

test('mutating and validating webhooks each hear who we are', async () => {
  const webhookCredentials = { mutating: users('hook.default.svc'), validating: users('*.svc') }
  const { call, configure, webhook, rule, headers } = await startWithHook(() => allow, { webhookCredentials })
  for (const kind of ['Mutating', 'Validating'] as const)
    await configure(kind, kind.toLowerCase(), webhook('a.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
  expect((await call('POST', configMaps, configMap('a', {}))).status).toBe(201)
  expect(headers.map(({ authorization }) => authorization)).toEqual(['Bearer hook.default.svc', 'Bearer *.svc'])
})
