import { isDeepStrictEqual } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { startTestCluster, type TestCluster } from '../../controller/testing/cluster.ts'
import { Event, Ingress, IngressClass } from '../../models/kinds/index.ts'
import { AskedPorts } from '../asked-ports.ts'
import { embeddedEngine } from '../plan/engine.ts'
import { ingressStatusReconciler } from './ingress-status.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

test('an Ingress whose port somebody else has says so in its status and by an event, and no longer once it is free', async () => {
  const asked = new AskedPorts()
  cluster = await startTestCluster({ reconcilers: [ingressStatusReconciler(['192.0.2.1'], embeddedEngine, asked)] })
  const { client } = cluster
  const key = { namespace: 'default', name: 'web' }
  await client.create(IngressClass, {
    metadata: { name: 'optiflow' },
    spec: { controller: 'optiflow.dev/gateway' },
  })
  await client.create(Ingress, {
    metadata: key,
    spec: { ingressClassName: 'optiflow', defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
  })
  const told = async () => (await client.get(Ingress, key)).status?.loadBalancer?.ingress
  const becomes = (wanted: object[]) => cluster.until(async () => isDeepStrictEqual(await told(), wanted))
  await becomes([{ ip: '192.0.2.1' }])

  asked.tell([80, 443], new Map([[80, 'the host port of Pod default/proxy']]))
  await becomes([{ ip: '192.0.2.1', ports: [{ error: 'PortUnavailable', port: 80, protocol: 'TCP' }] }])
  await cluster.until(async () => (await client.list(Event, { namespace: 'default' })).items.length > 0)
  const [event] = (await client.list(Event, { namespace: 'default' })).items
  expect([event!.reason, event!.message]).toEqual([
    'PortUnavailable',
    'port 80 of 192.0.2.1 belongs to the host port of Pod default/proxy: end what has it, or serve the gateway elsewhere (optiflow up --gateway)',
  ])

  asked.tell([80, 443], new Map())
  await becomes([{ ip: '192.0.2.1' }])
})
