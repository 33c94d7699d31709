import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import type { Net } from '../base/net.ts'
import { startTestCluster, type TestCluster } from '../controller/testing/cluster.ts'
import { EndpointSlice, Event, Node, Service, ServiceRegistration } from '../models/kinds/index.ts'
import type { ServiceRegistrationSpec } from '../models/types/optiflow-v1.ts'
import { agreedAnswer, askingNodes } from './agent-checks.ts'
import { judged, registrationCheckReconciler } from './registration-check.ts'
import { serviceRegistrationReconciler } from './service-registration.ts'

/** Addresses that do not answer. */
const down = new Set<string>()
let asked: string[] = []
const net = {
  async connect(host: string, port: number) {
    asked.push(`${host}:${port}`)
    if (down.has(host)) throw new Error(`connect ECONNREFUSED ${host}:${port}`)
    return { destroy() {} }
  },
  async request(url: string) {
    asked.push(url)
    return { status: down.has(new URL(url).hostname) ? 503 : 204 }
  },
} as unknown as Net

let cluster: TestCluster
beforeEach(async () => {
  down.clear()
  asked = []
  cluster = await startTestCluster({ reconcilers: [serviceRegistrationReconciler(), registrationCheckReconciler(net)] })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'db' }
const register = (spec: ServiceRegistrationSpec) => cluster.client.create(ServiceRegistration, { metadata: key, spec })

/** `192.0.2.5:5432 ready`, … */
async function endpoints(): Promise<string[]> {
  const { items } = await cluster.client.list(EndpointSlice, {
    namespace: 'default',
    labelSelector: 'kubernetes.io/service-name=db',
  })
  return items
    .flatMap(s => s.endpoints!.map(e => `${e.addresses[0]}:${s.ports![0]!.port}${e.conditions!.ready ? ' ready' : ''}`))
    .sort()
}
const becomes = async (...wanted: string[]) => {
  await cluster.until(
    async () => (await endpoints()).join() === wanted.join(),
    60_000,
    () => wanted,
  )
}

describe('a service outside', () => {
  it('is found by a Service of its name, at ports of its own', async () => {
    await register({ addresses: ['192.0.2.5:5432', '192.0.2.6:5433', '[2001:db8::7]:5432'] })
    await becomes('192.0.2.5:5432 ready', '192.0.2.6:5433 ready', '2001:db8::7:5432 ready')
    const { spec } = await cluster.client.get(Service, key)
    expect([spec.selector, spec.ports![0]!.port]).toEqual([undefined, 5432])
    expect(asked).toEqual([])
  })

  it('gets nothing at addresses that fail so often in a row, until they are well again', async () => {
    down.add('192.0.2.6')
    await register({ addresses: ['192.0.2.5:1', '192.0.2.6:1'], check: { tcp: {}, intervalSeconds: 5 } })
    await becomes('192.0.2.5:1 ready', '192.0.2.6:1')
    const [, second] = (await cluster.client.get(ServiceRegistration, key)).status!.addresses!
    expect(second).toMatchObject({ healthy: false, message: 'connect ECONNREFUSED 192.0.2.6:1' })
    down.clear()
    await becomes('192.0.2.5:1 ready', '192.0.2.6:1 ready')
    down.add('192.0.2.5')
    await cluster.pass(10_000)
    expect(await endpoints()).toEqual(['192.0.2.5:1 ready', '192.0.2.6:1 ready'])
    await becomes('192.0.2.5:1', '192.0.2.6:1 ready')
  })

  it('is asked as often as it says, by http with its path', async () => {
    await register({ addresses: ['192.0.2.5:80'], check: { http: { path: '/well' }, intervalSeconds: 30 } })
    await becomes('192.0.2.5:80 ready')
    await cluster.pass(300_000)
    expect(asked.length).toBeGreaterThanOrEqual(10)
    expect(asked.length).toBeLessThanOrEqual(12)
    expect(new Set(asked)).toEqual(new Set(['http://192.0.2.5:80/well']))
    await cluster.client.delete(ServiceRegistration, key)
    await cluster.pass(60_000)
    asked = []
    await cluster.pass(120_000)
    expect(asked).toEqual([])
  })

  it('follows its registration when that changes', async () => {
    await register({ addresses: ['192.0.2.5:1'], check: { tcp: {} } })
    await becomes('192.0.2.5:1 ready')
    await cluster.client.patch(ServiceRegistration, key, {
      type: 'merge',
      body: { spec: { addresses: ['192.0.2.9:1'], port: 99 } },
    })
    await becomes('192.0.2.9:1 ready')
    expect((await cluster.client.get(Service, key)).spec.ports![0]!.port).toBe(99)
  })

  it('does not take a name that somebody else has, and says so', async () => {
    await cluster.client.create(Service, { metadata: key, spec: { ports: [{ port: 80 }] } })
    await register({ addresses: ['192.0.2.5:1'] })
    await cluster.pass(10_000)
    expect(await endpoints()).toEqual([])
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.map(e => e.reason)).toContain('NameTaken')
  })

  it.each([
    [{ addresses: ['db.example.com:5432'] }, 'must be an IP address and a port, such as 10.0.0.5:5432'],
    [{ addresses: ['10.0.0.5'] }, 'must be an IP address and a port'],
    [{ addresses: ['10.0.0.5:70000'] }, 'must be an IP address and a port'],
    [{ addresses: ['127.0.0.1:80'] }, 'may not be in the loopback range'],
    [{ addresses: [] }, 'spec.addresses: Required value'],
    [{ addresses: ['10.0.0.5:1'], check: {} }, 'must specify one of http and tcp'],
    [{ addresses: ['10.0.0.5:1'], protocol: 'UDP' as const, check: { tcp: {} } }, 'cannot be asked'],
    [{ addresses: ['10.0.0.5:1'], check: { tcp: {}, intervalSeconds: 0 } }, 'must be between 1 and 3600'],
  ])('%j is refused with the reason', async (spec, reason) => {
    await expect(register(spec)).rejects.toThrow(reason)
  })
})

describe('nodes that ask for it', () => {
  const node = (name: string, ready = 'True', labels: object = { 'optiflow.dev/network': 'builtin' }) =>
    ({ metadata: { name, labels }, status: { conditions: [{ type: 'Ready', status: ready }] } }) as unknown as Node

  it('are up to three, the same ones while they are Ready, and no simulated ones', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'].map(name => node(name))
    const chosen = askingNodes([...nodes, node('simulated', 'True', {})], 'uid')
    expect(chosen).toHaveLength(3)
    expect(askingNodes([...nodes].reverse(), 'uid')).toEqual(chosen)
    const away = nodes.map(n => (n.metadata.name === chosen[0] ? node(n.metadata.name, 'Unknown') : n))
    expect(askingNodes(away, 'uid').slice(0, 2)).toEqual(chosen.slice(1))
  })

  it('decide by more than half of those that answer', () => {
    const said = (...all: (string | true | undefined)[]) =>
      agreedAnswer(
        all.map((one, i) => ({ node: `n${i}`, answer: one === true ? {} : one ? { problem: one } : undefined })),
      )
    expect(said('bad', true, true)).toEqual({})
    expect(said('bad', true)).toEqual({})
    expect(said('bad', 'worse', true)).toEqual({ problem: 'bad (asked by n0, n1)' })
    expect(said('bad', undefined, undefined)).toEqual({ problem: 'bad (asked by n0)' })
    expect(said(undefined)).toBeUndefined()
  })

  it('withdraw an address when most of them cannot reach it, whatever the controllers reach', async () => {
    const cutOff = new Set<string>()
    await using own = await startTestCluster({
      reconcilers: [
        serviceRegistrationReconciler(),
        registrationCheckReconciler(net, async (_client, _clock, name) => {
          if (name === 'n3') throw new Error('its agent does not answer')
          return cutOff.has(name) ? { problem: 'no route' } : {}
        }),
      ],
    })
    for (const name of ['n1', 'n2', 'n3'])
      await own.client.create(Node, {
        ...node(name),
        metadata: { name, labels: { 'optiflow.dev/network': 'builtin' } },
      })
    await own.client.create(ServiceRegistration, {
      metadata: key,
      spec: { addresses: ['192.0.2.5:1'], check: { tcp: {}, intervalSeconds: 1, failureThreshold: 2 } },
    })
    const healthy = async () => (await own.client.get(ServiceRegistration, key)).status?.addresses?.[0]
    await own.until(async () => (await healthy())?.healthy === true, 10_000)
    cutOff.add('n1')
    await own.pass(5_000)
    expect((await healthy())?.healthy).toBe(true)
    cutOff.add('n2')
    await own.until(async () => (await healthy())?.healthy === false, 10_000)
    expect((await healthy())?.message).toMatch(/^no route \(asked by n[12], n[12]\)$/)
    expect(asked).toEqual([])
  })
})

test('one good answer between bad ones begins the count anew', () => {
  const check = { failureThreshold: 2 }
  const streak = { against: 0 }
  let known = judged(undefined, streak, check, { address: 'a', problem: undefined, at: 't0' })
  const answers = ['bad', undefined, 'bad', 'bad'].map((problem, i) => {
    known = judged(known, streak, check, { address: 'a', problem, at: `t${i + 1}` })
    return known.healthy
  })
  expect(answers).toEqual([true, true, true, false])
  expect(known).toEqual({ address: 'a', healthy: false, lastTransitionTime: 't4', message: 'bad' })
})
