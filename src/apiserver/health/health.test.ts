import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMemoryStore } from '../../db/index.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let broken = false
let obstacle: string | undefined
beforeEach(async () => {
  broken = false
  obstacle = undefined
  const store = Object.assign(await openMemoryStore(), { obstacle: () => obstacle })
  const revision = store.revision.bind(store)
  store.revision = async () => {
    if (broken) throw new Error('no disk at /secret')
    return revision()
  }
  server = await startTestServer({ store })
})
afterEach(() => server[Symbol.asyncDispose]())

const lines = async (path: string) => {
  const { status, body } = await server.call('GET', path)
  return { status, lines: String(body).split('\n') }
}

/** What Kubernetes' own test of health handlers asks for, as far as the thing exists here. */
const asked = [
  ...['ping', 'log', 'etcd'],
  ...[
    'start-apiserver-admission-initializer',
    'generic-apiserver-start-informers',
    'start-apiextensions-informers',
    'start-apiextensions-controllers',
    'crd-informer-synced',
    'bootstrap-controller',
    'start-system-namespaces-controller',
    'start-service-ip-repair-controllers',
    'rbac/bootstrap-roles',
    'scheduling/bootstrap-system-priority-classes',
    'start-cluster-authentication-info-controller',
    'start-kube-aggregator-informers',
    'apiservice-registration-controller',
    'apiservice-status-local-available-controller',
    'apiservice-status-remote-available-controller',
    'kube-apiserver-autoregistration',
    'apiservice-openapi-controller',
  ].map(name => `poststarthook/${name}`),
  'autoregister-completion',
].map(name => `[+]${name} ok`)

test.each<[string, string[]]>([
  ['healthz', []],
  ['livez', []],
  ['readyz', ['[+]etcd-readiness ok', '[+]informer-sync ok', '[+]shutdown ok']],
])('/%s names its checks as kube-apiserver does', async (root, more) => {
  const { status, lines: told } = await lines(`/${root}?verbose`)
  expect(status).toBe(200)
  expect(told).toEqual(expect.arrayContaining([...asked, ...more]))
  expect(told.slice(-2)).toEqual([`${root} check passed`, ''])
  expect(await lines(`/${root}`)).toEqual({ status: 200, lines: ['ok'] })
})

test('what fails is named to everybody, and explained to who asks for that check', async () => {
  broken = true
  const { status, lines: told } = await lines('/livez?exclude=log&exclude=no')
  expect(status).toBe(500)
  expect(told.slice(0, 3)).toEqual(['[+]ping ok', '[+]log excluded: ok', '[-]etcd failed: reason withheld'])
  expect(told.slice(-3)).toEqual([
    'warn: some health checks cannot be excluded: no matches for "no"',
    'livez check failed',
    '',
  ])
  expect(await lines('/livez/etcd')).toEqual({ status: 500, lines: ['internal server error: no disk at /secret', ''] })
  expect((await lines('/livez?exclude=etcd')).status).toBe(200)
})

test('a store that takes nothing new is not ready, and lives', async () => {
  obstacle = 'no room on the disk'
  const { status, lines: told } = await lines('/readyz')
  expect([status, told.filter(line => line.startsWith('[-]'))]).toEqual([
    500,
    ['[-]store-room failed: reason withheld'],
  ])
  expect(await lines('/readyz/store-room')).toEqual({
    status: 500,
    lines: ['internal server error: no room on the disk', ''],
  })
  expect((await lines('/livez')).status).toBe(200)
  obstacle = undefined
  expect((await lines('/readyz')).status).toBe(200)
})

test('one check is asked for by its name, slashes and all; there are no others', async () => {
  expect(await lines('/readyz/poststarthook/rbac/bootstrap-roles')).toEqual({ status: 200, lines: ['ok'] })
  expect((await lines('/readyz/nothing')).status).toBe(404)
  const stranger = { method: 'GET', headers: {}, signal: new AbortController().signal }
  expect((await server.api.handler({ ...stranger, url: '/livez' })).status).toBe(200)
  expect((await server.api.handler({ ...stranger, url: '/livez/etcd' })).status).toBe(403)
})

test('/metrics/slis counts what each check said, and shows the last', async () => {
  const of = async () => (await lines('/metrics/slis')).lines.filter(line => line.includes('name="etcd",type="livez"'))
  expect(await of()).toEqual([
    'kubernetes_healthcheck{name="etcd",type="livez"} 1',
    'kubernetes_healthchecks_total{name="etcd",type="livez",status="success"} 1',
  ])
  broken = true
  expect(await of()).toEqual([
    'kubernetes_healthcheck{name="etcd",type="livez"} 0',
    'kubernetes_healthchecks_total{name="etcd",type="livez",status="success"} 1',
    'kubernetes_healthchecks_total{name="etcd",type="livez",status="error"} 1',
  ])
})
