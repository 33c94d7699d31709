import { expect, onTestFinished, test } from 'vitest'
import { createApiServer } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { openMemoryStore } from '../db/index.ts'
import { readAuthentication } from './authentication.ts'
import { readAuthorization } from './authorization.ts'
import { followPermission } from './followed-permission.ts'

const head = (kind: string, version: string) => ({ apiVersion: `apiserver.config.k8s.io/${version}`, kind })
const authorizers = (...types: string[]) =>
  JSON.stringify({
    ...head('AuthorizationConfiguration', 'v1'),
    authorizers: types.map(type => ({ type, name: type.toLowerCase() })),
  })
const strangers = (enabled: boolean, jwt: object[] = []) =>
  JSON.stringify({ ...head('AuthenticationConfiguration', 'v1beta1'), jwt, anonymous: { enabled } })

/** A server of two files, which nobody tells of changes unless told to. */
async function start() {
  const clock = new VirtualClock(0)
  const texts = new Map([
    ['/authz', authorizers('RBAC')],
    ['/authn', strangers(false)],
  ])
  const told: (() => void)[] = []
  const disk = {
    readText: async (path: string) => texts.get(path) ?? Promise.reject(new Error(`no ${path}`)),
    async watch(_folder: string, changed: () => void) {
      told.push(changed)
    },
  } as unknown as Disk
  const outside = { clock, disk, log: silentLogger, net: systemNet, random: systemRandom }
  const identities = { beside: [], ownIssuers: ['https://own'] }
  const permission = await followPermission(
    {
      authentication: { path: '/authn', read: () => readAuthentication('/authn', disk, identities) },
      authorization: { path: '/authz', read: () => readAuthorization('/authz', { disk }) },
    },
    outside as never,
  )
  const store = await openMemoryStore()
  const { authentication, authorization } = permission
  const api = await createApiServer({ store, clock, ...authentication, authorization: authorization! })
  const following = permission.follow(api)
  onTestFinished(async () => {
    await following[Symbol.asyncDispose]()
    await api.close()
  })
  const settled = () => new Promise(resolve => setImmediate(resolve))
  return {
    ...{ api, clock, texts },
    async tell() {
      for (const changed of told) changed()
      for (let i = 0; i < 20; i++) await settled()
    },
    async minute() {
      await clock.advance(60_000)
      for (let i = 0; i < 20; i++) await settled()
    },
    async mayAnnList() {
      const user = { username: 'ann', groups: ['system:authenticated'] }
      const signal = new AbortController().signal
      const reply = await api.handler({ method: 'GET', url: '/api/v1/pods', headers: {}, user, signal })
      return reply.status === 200
    },
    async reloads(what: string) {
      const text = await api.metrics.getSingleMetricAsString(
        `apiserver_${what}_config_controller_automatic_reloads_total`,
      )
      return text.split('\n').filter(line => !line.startsWith('#'))
    },
  }
}

const counted = (what: string, status: string, times: number) =>
  `apiserver_${what}_config_controller_automatic_reloads_total{status="${status}",apiserver_id_hash=""} ${times}`

test('who is asked changes with the file, at once when that is told and within a minute when not', async () => {
  const { texts, tell, minute, mayAnnList, reloads } = await start()
  expect(await mayAnnList()).toBe(false)
  texts.set('/authz', authorizers('AlwaysAllow'))
  await tell()
  expect(await mayAnnList()).toBe(true)
  texts.set('/authz', authorizers('RBAC'))
  await minute()
  expect(await mayAnnList()).toBe(false)
  expect(await reloads('authorization')).toEqual([counted('authorization', 'success', 2)])
})

test('a file that cannot be used or read leaves what was, is counted, and once only unless it is gone', async () => {
  const { texts, minute, mayAnnList, reloads } = await start()
  texts.set('/authz', authorizers('AlwaysAllow', 'Mood'))
  await minute()
  await minute()
  expect(await reloads('authorization')).toEqual([counted('authorization', 'failure', 1)])
  texts.delete('/authz')
  await minute()
  await minute()
  expect(await reloads('authorization')).toEqual([counted('authorization', 'failure', 3)])
  expect(await mayAnnList()).toBe(false)
})

test('issuers change with the file, strangers do not', async () => {
  const { texts, tell, reloads } = await start()
  const jwt = [
    {
      issuer: { url: 'https://login.example', audiences: ['k'] },
      claimMappings: { username: { claim: 'sub', prefix: '' } },
    },
  ]
  texts.set('/authn', strangers(false, jwt))
  await tell()
  texts.set('/authn', strangers(true, jwt))
  await tell()
  expect(await reloads('authentication')).toEqual([
    counted('authentication', 'success', 1),
    counted('authentication', 'failure', 1),
  ])
})
