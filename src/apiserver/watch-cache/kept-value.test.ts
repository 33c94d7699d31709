import { afterEach, beforeEach, expect, test } from 'vitest'
import { knownValue } from '../../models/known-values.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const configMaps = '/api/v1/namespaces/default/configmaps'

/** The chunks of a watch as a reader in this process gets them. */
async function watch(url: string) {
  const stop = new AbortController()
  const { body } = await server.api.handler({
    ...{ method: 'GET', url: `${url}?watch=1`, headers: {}, user: admin },
    signal: stop.signal,
  })
  const chunks = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  return { next: async () => (await chunks.next()).value as Uint8Array, end: () => stop.abort() }
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  Object.values(value).forEach(freeze)
  Object.freeze(value)
}

test('readers in this process get the object that was written: what the bytes say, and no later write changes it', async () => {
  const { next, end } = await watch(pods)
  const spec = { containers: [{ name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] }] }
  const merge = { 'content-type': 'application/merge-patch+json' }
  const writes: [string, string, unknown, Record<string, string>?][] = [
    ['POST', pods, { metadata: { name: 'a', labels: { app: 'web' } }, spec }],
    ['PATCH', `${pods}/a`, { metadata: { labels: { tier: 'x' }, finalizers: ['example.com/hold'] } }, merge],
    ['POST', `${pods}/a/binding`, { target: { kind: 'Node', name: 'n' } }],
    ['PATCH', `${pods}/a/status`, { status: { phase: 'Running', podIP: '10.0.0.1' } }, merge],
    [
      'PATCH',
      `${pods}/a`,
      { spec: { containers: [{ name: 'web', image: 'web:2' }] } },
      { 'content-type': 'application/strategic-merge-patch+json' },
    ],
    [
      'PATCH',
      `${pods}/a`,
      [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }],
      { 'content-type': 'application/json-patch+json' },
    ],
    ['DELETE', `${pods}/a`, undefined],
    ['PATCH', `${pods}/a`, { metadata: { finalizers: null } }, merge],
    ['DELETE', `${pods}/a?gracePeriodSeconds=0`, undefined],
  ]
  for (const [method, url, body, headers] of writes) {
    const { status, body: answer } = await server.call(method, url, body, headers)
    expect([method, url, status < 300 || answer]).toEqual([method, url, true])
    const chunk = await next()
    const value = knownValue(chunk)
    expect(value).toStrictEqual(JSON.parse(Buffer.from(chunk).toString()))
    freeze(value)
  }
  end()
})

test('a PUT changes nothing of what readers hold', async () => {
  const { next, end } = await watch(configMaps)
  await server.call('POST', configMaps, { metadata: { name: 'a' }, data: { k: '1' } })
  const first = knownValue(await next()) as { object: { data: object } }
  freeze(first)
  await server.call('PUT', `${configMaps}/a`, { metadata: { name: 'a' }, data: { k: '2' } })
  const second = knownValue(await next()) as { object: { data: object } }
  expect([first.object.data, second.object.data]).toEqual([{ k: '1' }, { k: '2' }])
  end()
})

test('an object with integers that no number holds is left to its readers to parse', async () => {
  const { next, end } = await watch(pods)
  const spec = '{"containers":[{"name":"web","image":"web:1"}],"terminationGracePeriodSeconds":9007199254740993}'
  await server.call('POST', pods, Buffer.from(`{"metadata":{"name":"a"},"spec":${spec}}`))
  expect(knownValue(await next())).toBeUndefined()
  end()
})

test('digits in a text are no such integers', async () => {
  const { next, end } = await watch(pods)
  const spec = { containers: [{ name: 'web', image: 'web:1' }] }
  await server.call('POST', pods, { metadata: { name: 'b', annotations: { n: '1234567890123456' } }, spec })
  expect(knownValue(await next())).toBeDefined()
  end()
})
