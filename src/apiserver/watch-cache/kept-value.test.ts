import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ValueStream } from '../../models/value-stream.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const configMaps = '/api/v1/namespaces/default/configmaps'

/** What a reader in this process gets of each event, and the line that others get. */
async function watch(url: string) {
  const stop = new AbortController()
  const open = async () => {
    const request = { method: 'GET', url: `${url}?watch=1`, headers: {}, user: admin, signal: stop.signal }
    return (await server.api.handler(request)).body as ValueStream
  }
  const values = (await open()).jsonValues()
  const lines = (await open())[Symbol.asyncIterator]()
  return {
    async next() {
      const [{ value }, { value: line }] = await Promise.all([values.next(), lines.next()])
      return { value: value as { object: any }, line: Buffer.from(line as Uint8Array).toString() }
    },
    end: () => stop.abort(),
  }
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
    ['POST', `${pods}/a/binding`, { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n' } }],
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
    const { value, line } = await next()
    expect(value).toStrictEqual(JSON.parse(line))
    freeze(value)
  }
  end()
})

test('a PUT changes nothing of what readers hold', async () => {
  const { next, end } = await watch(configMaps)
  await server.call('POST', configMaps, { metadata: { name: 'a' }, data: { k: '1' } })
  const first = (await next()).value
  freeze(first)
  await server.call('PUT', `${configMaps}/a`, { metadata: { name: 'a' }, data: { k: '2' } })
  const second = (await next()).value
  expect([first.object.data, second.object.data]).toEqual([{ k: '1' }, { k: '2' }])
  end()
})

test('what objects written one after another have in common is kept once', async () => {
  const { next, end } = await watch(pods)
  const spec = { containers: [{ name: 'web', image: 'web:1' }] }
  const read = async () => (await next()).value.object
  for (const name of ['a', 'b']) await server.call('POST', pods, { metadata: { name, labels: { app: 'web' } }, spec })
  const [a, b] = [await read(), await read()]
  await server.call('POST', `${pods}/b/binding`, { metadata: { name: 'b' }, target: { kind: 'Node', name: 'n' } })
  const bound = await read()
  expect(b.spec).toBe(a.spec)
  expect(b.metadata.labels).toBe(a.metadata.labels)
  expect([a.metadata.name, b.metadata.name, bound.spec.nodeName]).toEqual(['a', 'b', 'n'])
  expect(bound.spec.containers).toBe(b.spec.containers)
  expect(b.spec.nodeName).toBeUndefined()
  end()
})

test('a create that has to take another name leaves what others hold as it is', async () => {
  const { next, end } = await watch(pods)
  const spec = { containers: [{ name: 'web', image: 'web:1' }] }
  const create = () => server.call('POST', pods, { metadata: { generateName: 'a-' }, spec })
  await create()
  const { value } = await next()
  freeze(value)
  for (let i = 0; i < 5; i++) expect((await create()).status).toBe(201)
  end()
})

test.each<[string, string, unknown]>([
  ['an integer that no number holds', '9007199254740993', 9007199254740992],
  ['an integer that every number holds', '9007199254740991', 9007199254740991],
])('%s is to readers in this process what it is to everybody who parses the line', async (_, text, read) => {
  const { next, end } = await watch(pods)
  const spec = `{"containers":[{"name":"web","image":"web:1"}],"terminationGracePeriodSeconds":${text}}`
  await server.call('POST', pods, Buffer.from(`{"metadata":{"name":"a"},"spec":${spec}}`))
  const { value, line } = await next()
  expect(value.object.spec.terminationGracePeriodSeconds).toBe(read)
  expect(line).toContain(`"terminationGracePeriodSeconds":${text}`)
  end()
})
