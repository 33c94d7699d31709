import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import type { NodeDialer } from '../nodes/node-dialer.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'
import type { Listening } from './listener.ts'

let server: TestServer
let clock: VirtualClock
let listening: Listening
const nodes: NodeDialer = {
  open: async () =>
    ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('first\n')
        yield Buffer.from('second\n')
      })(),
    }) as never,
}
beforeAll(async () => {
  clock = new VirtualClock()
  const store = await openMemoryStore({ clock })
  server = await startTestServer({ clock, store, tokens: { secret: admin }, nodes })
  listening = await server.api.listen({ host: '127.0.0.1', port: 0 })
  await server.call('POST', '/api/v1/nodes', {
    metadata: { name: 'n' },
    status: {
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
    },
  })
  await server.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: 'p' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const configMaps = '/api/v1/namespaces/default/configmaps'
const header = { headers: { authorization: 'Bearer secret' } }
const open = (path: string, protocols: string[] = [], options: object = header) =>
  new WebSocket(`ws://127.0.0.1:${listening.port}${path}`, protocols, options)

/** Messages until the server closes: each as text, and whether it came as binary. */
async function messages(socket: WebSocket): Promise<[string, boolean][]> {
  const out: [string, boolean][] = []
  socket.on('message', (data, binary) => out.push([String(data), binary]))
  const [code] = await once(socket, 'close')
  expect(code).toBe(1000)
  return out
}

test('a watch over WebSocket: each event is one text message', async () => {
  await server.call('POST', configMaps, { metadata: { name: 'a' } })
  const socket = open(`${configMaps}?watch=1&fieldSelector=metadata.name%3Da`)
  const [added] = await once(socket, 'message')
  await server.call('DELETE', `${configMaps}/a`)
  const [deleted, binary] = await once(socket, 'message')
  expect([JSON.parse(added).type, JSON.parse(deleted).type, binary]).toEqual(['ADDED', 'DELETED', false])
  socket.close()
  await once(socket, 'close')
})

test('who is given a watch and has much to say is shown out', async () => {
  const socket = open(`${configMaps}?watch=1`)
  await once(socket, 'open')
  socket.send(Buffer.alloc(100_000))
  const [code] = await once(socket, 'close')
  expect(code).toBe(1009)
})

test('a watch in protobuf comes as binary messages, and ends with its timeout', async () => {
  const accept = 'application/vnd.kubernetes.protobuf;stream=watch'
  const socket = open('/api/v1/namespaces?watch=1&timeoutSeconds=60', [], { headers: { ...header.headers, accept } })
  const all = messages(socket)
  await once(socket, 'message')
  await clock.advance(60_000)
  expect((await all).length).toBeGreaterThan(2)
  expect((await all).every(([, binary]) => binary)).toBe(true)
})

test.each([
  ['binary.k8s.io', 'first\nsecond\n', true],
  ['base64.binary.k8s.io', ['first\n', 'second\n'].map(t => Buffer.from(t).toString('base64')).join(''), false],
])('a log over WebSocket as %s', async (protocol, text, binary) => {
  const socket = open('/api/v1/namespaces/default/pods/p/log', [protocol])
  const all = await messages(socket)
  expect([socket.protocol, all.map(([t]) => t).join(''), all.every(([, b]) => b === binary)]).toEqual([
    protocol,
    text,
    true,
  ])
})

test('a browser gives its token as a sub-protocol, which is not given back', async () => {
  const token = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`
  const socket = open('/api/v1/namespaces?watch=1', [token, 'base64.binary.k8s.io'], {})
  await once(socket, 'open')
  expect(socket.protocol).toBe('base64.binary.k8s.io')
  socket.close()
  await once(socket, 'close')
})

test.each([
  ['nobody', `${configMaps}?watch=1`, {}, 403],
  ['a page that is no stream', configMaps, header, 200],
  ['a resource that is not there', '/api/v1/namespaces/default/nothings?watch=1', header, 404],
])('%s is answered in HTTP: %s', async (_, path, options, status) => {
  const socket = open(path, [], options)
  const [, response] = await once(socket, 'unexpected-response')
  expect(response.statusCode).toBe(status)
  socket.on('error', () => {})
  socket.terminate()
})
