import { afterEach, expect, it } from 'vitest'
import { startTestCluster, type TestCluster } from '../controller/testing/cluster.ts'
import { Event, Node, Service } from '../models/kinds/index.ts'
import { loadBalancerReconciler } from './load-balancer.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

const service = (name: string, port: number) =>
  cluster.client.create(Service, {
    metadata: { namespace: 'default', name },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port }] },
  })
const addresses = async (name: string) =>
  ((await cluster.client.get(Service, { namespace: 'default', name })).status?.loadBalancer?.ingress ?? []).map(
    i => i.ip,
  )
const statusOf = (body: object) =>
  cluster.client.patch(Node, { name: 'n1' }, { type: 'merge', body: { status: body } }, { subresource: 'status' })

/** A cluster with a ready node, and a gateway that wants port 80 until it is told otherwise. */
async function startWithGateway() {
  let wanted = true
  let changed = () => {}
  const asked = {
    isAsked: (port: number) => wanted && port === 80,
    subscribe(given: () => void) {
      changed = given
      return () => {}
    },
  }
  cluster = await startTestCluster({ reconcilers: [loadBalancerReconciler(new Map(), undefined, asked)] })
  await cluster.client.create(Node, { metadata: { name: 'n1' }, spec: {} })
  await statusOf({
    addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
    conditions: [{ type: 'Ready', status: 'True' }],
  })
  return {
    wants(port: boolean) {
      wanted = port
      changed()
    },
  }
}

it('a Service waits for a port as long as the gateway wants it', async () => {
  const gateway = await startWithGateway()
  await service('other', 81)
  await service('web', 80)
  await cluster.until(async () => (await addresses('other')).length === 1)
  expect(await addresses('web')).toEqual([])
  gateway.wants(false)
  await cluster.until(async () => (await addresses('web')).join() === '192.0.2.1')
  gateway.wants(true)
  await cluster.pass(2_000)
  expect(await addresses('web')).toEqual(['192.0.2.1'])
})

it('a Service that adds a port of the gateway keeps its address, and is told until it gets the port', async () => {
  const gateway = await startWithGateway()
  await service('web', 8080)
  const key = { namespace: 'default', name: 'web' }
  const told = async () => {
    const { status } = await cluster.client.get(Service, key)
    const [ingress] = status?.loadBalancer?.ingress ?? []
    const conditions = (status?.conditions ?? []).map(({ type, status, reason, message }) => [
      ...[type, status, reason, message],
    ])
    return { ip: ingress?.ip, ports: ingress?.ports, conditions }
  }
  await cluster.until(async () => (await addresses('web')).length === 1)
  expect(await told()).toEqual({ ip: '192.0.2.1', ports: [{ port: 8080, protocol: 'TCP' }], conditions: [] })

  const ports = [8080, 80].map(port => ({ name: `p${port}`, port }))
  await cluster.client.patch(Service, key, { type: 'merge', body: { spec: { ports } } })
  await cluster.until(async () => (await told()).ports?.length === 2)
  expect(await told()).toEqual({
    ip: '192.0.2.1',
    ports: [
      { port: 8080, protocol: 'TCP' },
      { port: 80, protocol: 'TCP', error: 'optiflow.dev/PortTaken' },
    ],
    conditions: [['LoadBalancerPortsError', 'True', 'PortTaken', 'port tcp/80 of the nodes is taken by the gateway']],
  })
  await cluster.until(async () => (await cluster.client.list(Event)).items.some(e => e.reason === 'PortTaken'))

  gateway.wants(false)
  await cluster.until(async () => !(await told()).conditions.length)
  const both = ports.map(({ port }) => ({ port, protocol: 'TCP' }))
  expect((await told()).ports).toEqual(both)
  gateway.wants(true)
  await cluster.pass(2_000)
  expect(await told()).toEqual({ ip: '192.0.2.1', ports: both, conditions: [] })
})

it('Services follow the nodes, wait for each other’s ports, and hear nothing of heartbeats', async () => {
  cluster = await startTestCluster({ reconcilers: [loadBalancerReconciler(new Map())] })
  await cluster.client.create(Node, { metadata: { name: 'n1' }, spec: {} })
  const ready = (lastHeartbeatTime: string) => [{ type: 'Ready', status: 'True', lastHeartbeatTime }]
  await statusOf({
    addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
    conditions: ready('2026-01-01T00:00:00Z'),
  })
  for (let i = 1; i <= 20; i++) await service(`s${i}`, 8000 + i)
  await service('z', 8001)
  await cluster.until(async () => (await addresses('s20')).join() === '192.0.2.1')
  await cluster.pass(2_000)
  expect(await addresses('z')).toEqual([])

  const looked = () => cluster.runner.stats()['load-balancer']!.reconciled
  const before = looked()
  await statusOf({ conditions: ready('2026-01-01T00:00:10Z') })
  await cluster.pass(2_000)
  expect(looked()).toBe(before)

  await cluster.client.delete(Service, { namespace: 'default', name: 's1' })
  await cluster.until(async () => (await addresses('z')).join() === '192.0.2.1')
  await statusOf({ addresses: [{ type: 'InternalIP', address: '192.0.2.9' }] })
  await cluster.until(async () => (await addresses('s7')).join() === '192.0.2.9')
})
