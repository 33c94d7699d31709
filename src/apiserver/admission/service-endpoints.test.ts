import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

const namespace = '/api/v1/namespaces/default'
const merge = { 'content-type': 'application/merge-patch+json' }
let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
})

const create = (plural: string, name: string, metadata: object, rest: object) =>
  server.call('POST', `${namespace}/${plural}`, { metadata: { name, ...metadata }, ...rest })
const status = async (path: string) => (await server.call('GET', `${namespace}/${path}`)).status
const release = (path: string) =>
  server.call('PATCH', `${namespace}/${path}`, { metadata: { finalizers: null } }, merge)
const both = async (name: string) => [await status(`services/${name}`), await status(`endpoints/${name}`)]

test.each<[what: string, spec: object, held: string[], steps: (() => Promise<unknown>)[], after: number[][]]>([
  ['is deleted', {}, [], [() => server.call('DELETE', `${namespace}/services/s`)], [[404, 404]]],
  [
    'is deleted with others',
    { clusterIP: 'None' },
    [],
    [() => server.call('DELETE', `${namespace}/services?fieldSelector=metadata.name%3Ds`)],
    [[404, 404]],
  ],
  ['is deleted for a trial', {}, [], [() => server.call('DELETE', `${namespace}/services/s?dryRun=All`)], [[200, 200]]],
  [
    'is held, and released',
    { type: 'ExternalName', externalName: 'a.b' },
    ['a.io/b'],
    [() => server.call('DELETE', `${namespace}/services/s`), () => release('services/s')],
    [
      [200, 200],
      [404, 404],
    ],
  ],
  [
    'is held, and released by its status',
    {},
    ['a.io/b'],
    [() => server.call('DELETE', `${namespace}/services/s`), () => release('services/s/status')],
    [
      [200, 200],
      [404, 404],
    ],
  ],
])('when a Service %s, its Endpoints go once it is gone', async (_what, spec, finalizers, steps, after) => {
  await create('services', 's', { finalizers }, { spec: { ports: [{ port: 80 }], ...spec } })
  await create('endpoints', 's', {}, { subsets: [] })
  await create('endpoints', 'other', {}, {})
  const seen: number[][] = []
  for (const step of steps) {
    await step()
    seen.push(await both('s'))
  }
  expect(seen).toEqual(after)
  expect(await status('endpoints/other')).toBe(200)
})

test('Endpoints that somebody holds are marked, and go when they are let go of', async () => {
  await create('services', 's', {}, { spec: { ports: [{ port: 80 }] } })
  await create('endpoints', 's', { finalizers: ['a.io/b'] }, {})
  await server.call('DELETE', `${namespace}/services/s`)
  const { metadata } = (await server.call('GET', `${namespace}/endpoints/s`)).body
  expect(metadata).toMatchObject({ deletionGracePeriodSeconds: 0, deletionTimestamp: expect.any(String) })
  await release('endpoints/s')
  expect(await both('s')).toEqual([404, 404])
})

test('who watches Endpoints hears that they are gone', async () => {
  await create('services', 's', {}, { spec: { ports: [{ port: 80 }] } })
  await create('endpoints', 's', {}, {})
  const { metadata } = (await server.call('GET', `${namespace}/endpoints`)).body
  const watching = await server.watch(`${namespace}/endpoints?watch=1&resourceVersion=${metadata.resourceVersion}`)
  await server.call('DELETE', `${namespace}/services/s`)
  expect(await watching.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 's' } } })
  watching.end()
})
