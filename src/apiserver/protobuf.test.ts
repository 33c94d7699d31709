import { afterEach, beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { openMemoryStore } from '../db/index.ts'
import { decodeProtobuf, encodeProtobuf } from '../models/protobuf/index.ts'
import { WireReader } from '../models/protobuf/wire.ts'
import { admin, startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let clock: VirtualClock
beforeEach(async () => {
  clock = new VirtualClock()
  server = await startTestServer({ clock, store: await openMemoryStore({ clock }) })
})
afterEach(() => server[Symbol.asyncDispose]())

const type = 'application/vnd.kubernetes.protobuf'
const goClient = `${type},application/json`
const url = '/api/v1/namespaces/default/configmaps'

/** One request as client-go sends it; the answer's bytes as they came. */
async function ask(method: string, path: string, accept: string, body?: object) {
  const reply = await server.api.handler({
    method,
    url: path,
    headers: { accept, ...(body ? { 'content-type': type } : {}) },
    ...(body ? { body: encodeProtobuf(body) } : {}),
    user: admin,
    signal: new AbortController().signal,
  })
  return { status: reply.status, type: reply.headers['content-type'], bytes: reply.body as Uint8Array }
}

/** The events of a protobuf watch: four bytes of length, then type and envelope. */
async function watchEvents(path: string, accept: string, count: number): Promise<[string, any][]> {
  const stop = new AbortController()
  const reply = await server.api.handler({
    method: 'GET',
    url: path,
    headers: { accept },
    user: admin,
    signal: stop.signal,
  })
  expect(reply.headers['content-type']).toBe(`${type};stream=watch`)
  const out: [string, any][] = []
  for await (const chunk of reply.body as AsyncIterable<Uint8Array>) {
    expect(Buffer.from(chunk).readUInt32BE(0)).toBe(chunk.length - 4)
    out.push(readEvent(chunk.subarray(4)))
    if (out.length === count) break
  }
  stop.abort()
  return out
}

function readEvent(bytes: Uint8Array): [string, any] {
  const reader = new WireReader(bytes)
  reader.tag()
  const kind = reader.string()
  reader.tag()
  const raw = reader.message()
  raw.tag()
  return [kind, decodeProtobuf(raw.bytes()).value]
}

test('a client that prefers protobuf sends and gets it: create, get, list, delete, and what went wrong', async () => {
  const made = await ask('POST', url, goClient, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a' },
    data: { k: 'v' },
  })
  expect([made.status, made.type]).toEqual([201, type])
  const inJson = (await server.call('GET', `${url}/a`)).body
  expect(decodeProtobuf(made.bytes).value).toEqual(inJson)
  expect(decodeProtobuf((await ask('GET', `${url}/a`, goClient)).bytes).value).toEqual(inJson)

  await server.call('POST', url, { metadata: { name: 'b' } })
  const list = await ask('GET', `${url}?limit=1`, goClient)
  const { kind, value } = decodeProtobuf(list.bytes)
  const { kind: _, apiVersion: __, ...item } = inJson
  expect([list.type, kind, (value as any).items]).toEqual([type, 'ConfigMapList', [item]])
  expect((value as any).metadata).toMatchObject({ remainingItemCount: 1, continue: expect.any(String) })

  const missing = await ask('GET', `${url}/nobody`, goClient)
  expect([missing.status, missing.type]).toEqual([404, type])
  expect(decodeProtobuf(missing.bytes).value).toMatchObject({ kind: 'Status', reason: 'NotFound', code: 404 })
  const gone = await ask('DELETE', `${url}/a`, goClient, { apiVersion: 'v1', kind: 'DeleteOptions' })
  expect(decodeProtobuf(gone.bytes).value).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'a' } })
})

test('a protobuf watch gives frames, its bookmarks and errors too', async () => {
  await server.call('POST', url, { metadata: { name: 'a' } })
  const events = await watchEvents(
    `${url}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da`,
    `${type};stream=watch,application/json`,
    2,
  )
  expect(events).toEqual([
    ['ADDED', (await server.call('GET', `${url}/a`)).body],
    [
      'BOOKMARK',
      {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: {
          resourceVersion: expect.any(String),
          annotations: {
            'k8s.io/initial-events-end': 'true',
            'kubernetes.io/initial-events-list-blueprint': expect.any(String),
          },
        },
      },
    ],
  ])
  const list = (events[1]![1] as any).metadata.annotations['kubernetes.io/initial-events-list-blueprint']
  const { apiVersion, kind } = decodeProtobuf(Buffer.from(list, 'base64'))
  expect([apiVersion, kind]).toEqual(['v1', 'ConfigMapList'])
  await server.store.compact(await server.store.revision())
  const second = await startTestServer({ store: server.store, clock })
  ;[server, second.api] = [{ ...server, api: second.api }, server.api]
  const [error] = await watchEvents(`${url}?watch=1&resourceVersion=1`, type, 1)
  expect(error).toMatchObject(['ERROR', { kind: 'Status', code: 410, reason: 'Expired' }])
  await second.api.close()
})

test('metadata alone has a protobuf form, whatever the kind; a table has none', async () => {
  await server.call('POST', url, { metadata: { name: 'a', labels: { x: 'y' } } })
  const as = (what: string) => `${type};as=${what};g=meta.k8s.io;v=v1`
  const one = decodeProtobuf((await ask('GET', `${url}/a`, as('PartialObjectMetadata'))).bytes)
  expect(one.value).toMatchObject({
    apiVersion: 'meta.k8s.io/v1',
    kind: 'PartialObjectMetadata',
    metadata: { name: 'a', labels: { x: 'y' } },
  })
  const many = await ask('GET', '/apis/optiflow.dev/v1/workloads', as('PartialObjectMetadataList'))
  expect(decodeProtobuf(many.bytes).kind).toBe('PartialObjectMetadataList')
  expect((await ask('GET', `${url}/a`, as('Table'))).status).toBe(406)
  expect((await ask('GET', `${url}/a`, `${as('Table')},application/json`)).type).toBe('application/json')
  expect((await ask('GET', '/apis/optiflow.dev/v1/workloads', type)).status).toBe(406)
  expect((await ask('GET', '/apis/optiflow.dev/v1/workloads', `${type},*/*`)).type).toBe('application/json')
})

test('CBOR is refused both ways, as by a server that does not have it', async () => {
  const cbor = 'application/cbor'
  expect((await server.call('GET', `${url}?limit=1`, undefined, { accept: cbor })).status).toBe(406)
  expect((await server.call('POST', url, {}, { 'content-type': cbor })).status).toBe(415)
  expect((await server.call('PATCH', `${url}/a`, {}, { 'content-type': 'application/apply-patch+cbor' })).status).toBe(
    415,
  )
})
