import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import type { NodeDialer } from '../nodes/node-dialer.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

const base = '/apis/metrics.k8s.io/v1beta1'
const asTable = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }

let clock: VirtualClock
let server: TestServer
/** How many times each node was asked. */
let asked: Record<string, number>
/** Nodes whose agents refuse connections, and those that never answer. */
let dead: Set<string>
let silent: Set<string>

/** Each container uses a quarter of a core and 10 MiB, node and all. */
const agents: NodeDialer = {
  async open(node, { path, signal }) {
    asked[node.name] = (asked[node.name] ?? 0) + 1
    if (dead.has(node.name)) throw new Error('connection refused')
    if (silent.has(node.name))
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    expect(path).toBe('/metrics/resource')
    const atMs = clock.now()
    const cpu = (clock.monotonicMs() / 1000) * 0.25
    const labels = `container="main",namespace="default",pod="web-${node.name}"`
    const text = [
      '# TYPE container_cpu_usage_seconds_total counter',
      `container_cpu_usage_seconds_total{${labels}} ${cpu} ${atMs}`,
      `container_memory_working_set_bytes{${labels}} ${10 * 1024 * 1024} ${atMs}`,
      `node_cpu_usage_seconds_total ${cpu * 2}`,
      'node_memory_working_set_bytes 20971520',
    ]
    return { status: 200, headers: {}, body: Readable.from([Buffer.from(`${text.join('\n')}\n`)]) }
  },
}

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2026, 0, 1))
  asked = {}
  dead = new Set()
  silent = new Set()
  server = await startTestServer({ clock, nodes: agents })
  for (const name of ['one', 'two']) {
    const addresses = [{ type: 'InternalIP', address: '10.0.0.1' }]
    const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } }
    await server.call('POST', '/api/v1/nodes', { metadata: { name, labels: { zone: name } }, status })
    await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
    const { status: created } = await server.call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: `web-${name}`, labels: { app: 'web', on: name } },
      spec: { nodeName: name, containers: [{ name: 'main', image: 'web' }] },
    })
    expect(created).toBe(201)
  }
  // Nobody runs it: it has no figures.
  await server.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: 'waiting' },
    spec: { containers: [{ name: 'main', image: 'web' }] },
  })
})
afterEach(() => server[Symbol.asyncDispose]())

/** An answer that takes (virtual) seconds. */
async function call(url: string, headers?: Record<string, string>) {
  const answer = server.call('GET', url, undefined, headers)
  await settle()
  await clock.advance(8_000)
  return answer
}

test('a node has the usage between two looks, one second apart at first', async () => {
  const { status, body } = await call(`${base}/nodes/one`)
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      kind: 'NodeMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {
        name: 'one',
        creationTimestamp: '2026-01-01T00:00:01Z',
        labels: expect.objectContaining({ zone: 'one' }),
      },
      timestamp: '2026-01-01T00:00:01Z',
      window: '1s',
      usage: { cpu: '500m', memory: '20Mi' },
    },
  })
})

test('pods are listed with their containers, those without figures left out', async () => {
  const { body } = await call(`${base}/pods`)
  expect(body).toEqual({
    kind: 'PodMetricsList',
    apiVersion: 'metrics.k8s.io/v1beta1',
    metadata: { resourceVersion: expect.any(String) },
    items: ['one', 'two'].map(on => ({
      metadata: {
        name: `web-${on}`,
        namespace: 'default',
        creationTimestamp: '2026-01-01T00:00:01Z',
        labels: { app: 'web', on },
      },
      timestamp: '2026-01-01T00:00:01Z',
      window: '1s',
      containers: [{ name: 'main', usage: { cpu: '250m', memory: '10Mi' } }],
    })),
  })
})

test('an agent is asked once in 15 s, however many want to know, and then for the time since', async () => {
  await Promise.all([call(`${base}/nodes`), call(`${base}/pods`)])
  expect(asked).toEqual({ one: 2, two: 2 })
  await clock.advance(10_000)
  const { body } = await call(`${base}/nodes/one`)
  expect([asked['one'], body.window, body.usage.cpu]).toEqual([3, '17s', '500m'])
})

test('a long-forgotten sample is not the beginning of a window', async () => {
  await call(`${base}/nodes/one`)
  await clock.advance(600_000)
  expect((await call(`${base}/nodes/one`)).body.window).toBe('1s')
})

test('selectors choose by labels, name and node', async () => {
  const names = async (path: string) => (await call(base + path)).body.items.map((i: any) => i.metadata.name)
  expect(await names('/nodes?labelSelector=zone%3Dtwo')).toEqual(['two'])
  expect(await names('/namespaces/default/pods?labelSelector=on%3Done')).toEqual(['web-one'])
  expect(await names('/pods?fieldSelector=metadata.name%3Dweb-two')).toEqual(['web-two'])
  expect(await names('/pods?fieldSelector=spec.nodeName%3Done')).toEqual(['web-one'])
  expect(await names('/namespaces/other/pods')).toEqual([])
})

test('a node that does not answer is left out, and says why when it is asked for', async () => {
  dead.add('one')
  silent.add('two')
  expect((await call(`${base}/nodes`)).body.items).toEqual([])
  const messages = await Promise.all(['one', 'two'].map(async n => (await call(`${base}/nodes/${n}`)).body))
  expect(messages.map(m => [m.code, m.message])).toEqual([
    [503, 'the agent of node one at 10.0.0.1:10250 says nothing of usage: connection refused'],
    [503, 'the agent of node two at 10.0.0.1:10250 says nothing of usage: no answer within 3 s'],
  ])
})

test('what is not there, or has no figures, is not found', async () => {
  const { body } = await call(`${base}/nodes/three`)
  expect([body.code, body.message]).toEqual([404, 'nodes.metrics.k8s.io "three" not found'])
  expect((await call(`${base}/namespaces/default/pods/waiting`)).status).toBe(404)
})

test('tables are those of metrics-server', async () => {
  const { body } = await call(`${base}/namespaces/default/pods`, asTable)
  expect(body.columnDefinitions.map((c: any) => c.name)).toEqual(['Name', 'cpu', 'memory', 'Window'])
  expect(body.rows[0].cells).toEqual(['web-one', '250m', '10Mi', '1s'])
})

test('discovery has both, readers may read them, and nothing else can be done', async () => {
  const { body } = await server.call('GET', base)
  expect(body.resources).toMatchObject([
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ])
  const role = await server.call(
    'GET',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader',
  )
  expect(role.body.rules).toEqual([
    { apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
  ])
  for (const [method, path] of [
    ['GET', '/nodes?watch=true'],
    ['GET', '/watch/nodes'],
    ['DELETE', '/nodes/one'],
    ['POST', '/nodes'],
  ] as const)
    expect((await server.call(method, base + path, method === 'POST' ? {} : undefined)).status, path).toBe(405)
})
