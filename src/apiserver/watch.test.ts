import { afterEach, beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { openMemoryStore } from '../db/index.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let clock: VirtualClock
beforeEach(async () => {
  clock = new VirtualClock()
  server = await startTestServer({ clock, store: await openMemoryStore({ clock }) })
})
afterEach(() => server[Symbol.asyncDispose]())

const url = '/api/v1/namespaces/default/configmaps'
const make = (name: string, data: Record<string, string> = {}) => server.call('POST', url, { metadata: { name }, data })
const revision = async () => (await server.call('GET', url)).body.metadata.resourceVersion as string

test('a watch from a revision that only the store remembers is given from there, without a gap', async () => {
  const from = await revision()
  await make('a')
  await server.call('DELETE', `${url}/a`)
  await make('b')
  // Another server on the same store has none of this in its own memory.
  const second = await startTestServer({ store: server.store, clock })
  const watching = await second.watch(`${url}?watch=1&resourceVersion=${from}`)
  const seen = []
  for (let i = 0; i < 3; i++) {
    const { type, object } = await watching.next()
    seen.push([type, object.metadata.name, Number(object.metadata.resourceVersion) - Number(from)])
  }
  expect(seen).toEqual([
    ['ADDED', 'a', 1],
    ['DELETED', 'a', 2],
    ['ADDED', 'b', 3],
  ])
  watching.end()
  await second.api.close()
})

test('minutes later the same server gives it too, of what it has forgotten and of what it has not', async () => {
  const from = await revision()
  await make('a')
  await clock.advance(7 * 60_000)
  await make('b')
  const watching = await server.watch(`${url}?watch=1&resourceVersion=${from}`)
  const seen = [await watching.next(), await watching.next()]
  expect(seen.map(({ object }) => object.metadata.name)).toEqual(['a', 'b'])
  watching.end()
})

test('a watch from a compacted revision begins, and says 410 Expired', async () => {
  const from = await revision()
  await make('a')
  await make('b')
  await server.store.compact(await server.store.revision())
  const second = await startTestServer({ store: server.store, clock })
  const watching = await second.watch(`${url}?watch=1&resourceVersion=${from}`)
  expect(watching.status).toBe(200)
  expect(await watching.next()).toMatchObject({
    type: 'ERROR',
    object: { kind: 'Status', code: 410, reason: 'Expired' },
  })
  expect(await watching.next()).toBeUndefined()
  await second.api.close()
})

test('an expired page says 410 with a token that goes on from the newest state', async () => {
  for (const name of ['a', 'b', 'c']) await make(name)
  const first = (await server.call('GET', `${url}?limit=1`)).body
  await make('d')
  await server.store.compact(await server.store.revision())
  const { status, body } = await server.call('GET', `${url}?limit=1&continue=${first.metadata.continue}`)
  expect({ status, reason: body.reason }).toEqual({ status: 410, reason: 'Expired' })
  const rest = (await server.call('GET', `${url}?continue=${body.metadata.continue}`)).body
  expect(rest.items.map((i: any) => i.metadata.name)).toEqual(['b', 'c', 'd'])
})

test('pages grow old after five minutes, as those of other servers do, unless nothing has changed since', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await make(name)
  const first = (await server.call('GET', `${url}?limit=2`)).body
  const next = () => server.call('GET', `${url}?limit=2&continue=${first.metadata.continue}`)
  await clock.advance(10 * 60_000)
  expect((await next()).body.metadata).toMatchObject({ resourceVersion: first.metadata.resourceVersion })
  await make('f')
  const { status, body } = await next()
  expect([status, body.reason]).toEqual([410, 'Expired'])
  const second = (await server.call('GET', `${url}?limit=2&continue=${body.metadata.continue}`)).body
  expect(second.items.map((i: any) => i.metadata.name)).toEqual(['c', 'd'])
  expect(second.metadata).toMatchObject({ remainingItemCount: 2, resourceVersion: String(await revision()) })
  await make('g')
  const third = (await server.call('GET', `${url}?limit=2&continue=${second.metadata.continue}`)).body
  expect(third.items.map((i: any) => i.metadata.name)).toEqual(['e', 'f'])
  expect(third.metadata).toEqual({ resourceVersion: second.metadata.resourceVersion })
})

test('bookmarks come about once a minute, to those who take them, and tell how far the store has got', async () => {
  const with_ = await server.watch(`${url}?watch=1&resourceVersion=${await revision()}&allowWatchBookmarks=true`)
  const without = await server.watch(`${url}?watch=1&resourceVersion=${await revision()}`)
  await server.call('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'elsewhere' } })
  await clock.advance(61_000)
  expect(await with_.next()).toEqual({
    type: 'BOOKMARK',
    object: {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { resourceVersion: await revision(), creationTimestamp: null },
    },
  })
  await make('a')
  expect((await without.next()).type).toBe('ADDED')
  with_.end()
  without.end()
})

test('the last bookmark comes two seconds before the end of a watch, and shorter ones have none', async () => {
  const from = await revision()
  const during = async (seconds: number, ...movesMs: number[]) => {
    const query = `resourceVersion=${from}&allowWatchBookmarks=true&timeoutSeconds=${seconds}`
    const watching = await server.watch(`${url}?watch=1&${query}`)
    for (const ms of movesMs) await clock.advance(ms)
    await make(`end-of-${seconds}`)
    const { type } = await watching.next().catch(() => ({ type: 'END' }))
    watching.end()
    return type
  }
  expect(await during(10, 8_000)).toBe('BOOKMARK')
  expect(await during(2, 1_999)).toBe('ADDED')
})

test('sendInitialEvents gives everything there is and then a bookmark that says so', async () => {
  await make('a')
  const watching = await server.watch(
    `${url}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
  )
  expect(await watching.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } })
  const end = await watching.next()
  expect(end).toMatchObject({
    type: 'BOOKMARK',
    object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: await revision() } },
  })
  const list = end.object.metadata.annotations['kubernetes.io/initial-events-list-blueprint']
  const blueprint = '{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":null}\n'
  expect(Buffer.from(list, 'base64').toString()).toBe(blueprint)
  watching.end()
  expect((await server.call('GET', `${url}?watch=1&sendInitialEvents=true`)).status).toBe(422)
})

test('a watch that names no revision says where its beginning ends, to those who take bookmarks', async () => {
  await make('a')
  const typesOf = async (query: string) => {
    const watching = await server.watch(`${url}?watch=1&${query}`)
    const first = await watching.next()
    await make(`b${query.length}`)
    const second = await watching.next()
    watching.end()
    return [first.type, second.type]
  }
  expect(await typesOf('fieldSelector=metadata.name=a&allowWatchBookmarks=true')).toEqual(['ADDED', 'BOOKMARK'])
  expect(await typesOf('fieldSelector=metadata.name!=x')).toEqual(['ADDED', 'ADDED'])
})

const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
const fault = (problem: string) => ({ code: 500, message: `resourceVersion: Invalid value: ${problem}` })
test.each<[string, Record<string, string>, object]>([
  ['?watch=1&allowWatchBookmarks=1', table, { code: 406, reason: 'NotAcceptable' }],
  ['?watch=1&resourceVersion=x', { accept: 'application/json;as=Foo' }, { code: 406, reason: 'NotAcceptable' }],
  ['?watch=1&resourceVersion=x', {}, fault('"x": strconv.ParseUint: parsing "x": invalid syntax')],
  ['/x?resourceVersion=-1', {}, fault('"-1": strconv.ParseUint: parsing "-1": invalid syntax')],
  [
    '?resourceVersion=99999999999&resourceVersionMatch=Exact',
    {},
    { code: 500, message: 'etcdserver: mvcc: required revision is a future revision' },
  ],
])('what cannot be read so is refused as Kubernetes does: %s', async (query, headers, refusal) => {
  const { body } = await server.call('GET', url + query, undefined, headers)
  expect(body).toMatchObject({ kind: 'Status', ...refusal })
  if (body.code === 500) expect(body).not.toHaveProperty('reason')
})

test('a zero written otherwise names no revision, and a part has no path under /watch/', async () => {
  await make('a')
  for (const query of ['', '&limit=1', '&resourceVersionMatch=Exact'])
    expect((await server.call('GET', `${url}?resourceVersion=00${query}`)).body.items).toHaveLength(1)
  expect((await server.call('GET', '/api/v1/watch/namespaces/default/pods/x/status')).status).toBe(404)
})

test('the beginning of a watch is not older than asked for, or its one event says so', async () => {
  const newer = `${url}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999999`
  const asked = server.watch(newer)
  await clock.advance(5_000)
  const { status, next } = await asked
  const { type, object } = await next()
  expect([status, type, object.code, object.details.causes[0].reason]).toEqual([
    ...[200, 'ERROR', 504, 'ResourceVersionTooLarge'],
  ])
})

test('below /watch/ one object is watched by its name, which a selector may not contradict', async () => {
  await make('a')
  await make('b')
  const one = '/api/v1/watch/namespaces/default/configmaps/b'
  const watching = await server.watch(`${one}?fieldSelector=metadata.name%3Db`)
  expect((await watching.next()).object.metadata.name).toBe('b')
  watching.end()
  const refused = await server.call('GET', `${one}?fieldSelector=metadata.name%3Da`)
  expect([refused.status, refused.body.message]).toEqual([
    400,
    "fieldSelector metadata.name doesn't match requested name",
  ])
  const namespace = await server.watch('/api/v1/watch/namespaces/default')
  expect((await namespace.next()).object.metadata.name).toBe('default')
  namespace.end()
})

test('a watch ends when its time is up', async () => {
  const watching = await server.watch(`${url}?watch=1&timeoutSeconds=5`)
  await clock.advance(5_000)
  expect(await watching.next()).toBeUndefined()
})

test('a watch whose client names no time lasts as long as the server was told, to twice as long', async () => {
  const brief = await startTestServer({ clock, store: server.store, minWatchMs: 7_000 })
  const watching = await brief.watch(`${url}?watch=1`)
  let ended = false
  const end = watching.next().then(event => {
    ended = true
    return event
  })
  await clock.advance(6_900)
  expect(ended).toBe(false)
  await clock.advance(7_100)
  expect(await end).toBeUndefined()
  await brief.api.close()
})

test('a table watch says its columns once', async () => {
  const watching = await server.watch(`${url}?watch=1`, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  })
  await make('a', { k: 'v' })
  await make('b')
  const [first, second] = [await watching.next(), await watching.next()]
  expect(first.object.kind).toBe('Table')
  expect(first.object.columnDefinitions.map((c: any) => c.name)).toEqual(['Name', 'Data', 'Age'])
  expect(first.object.rows[0].cells).toEqual(['a', 1, '0s'])
  expect(second.object.columnDefinitions).toBeNull()
  watching.end()
})

test('a list newer than the store is told to come back, in the words that clients know', async () => {
  const current = await revision()
  const asked = server.call('GET', `${url}?resourceVersion=999999`)
  await clock.advance(3_000)
  expect((await asked).body).toMatchObject({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: 999999, current: ${current}`,
    details: {
      retryAfterSeconds: 1,
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    },
  })
})

test('many watchers hear the same events in the same order', async () => {
  const from = await revision()
  const watchers = await Promise.all(
    Array.from({ length: 100 }, () => server.watch(`${url}?watch=1&resourceVersion=${from}`)),
  )
  for (let i = 0; i < 20; i++) await make(`n${i}`)
  for (const watching of watchers) {
    for (let i = 0; i < 20; i++) expect((await watching.next()).object.metadata.name).toBe(`n${i}`)
    watching.end()
  }
})
