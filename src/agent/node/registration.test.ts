import { expect, test } from 'vitest'
import { createBench } from '../../client/testing/index.ts'
import { Node } from '../../models/kinds/core/node.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { simulatedMachine } from './machine.ts'
import { type Heartbeat, Registration } from './registration.ts'

/** A node that has registered. */
async function registered(more: { providerId?: string; heartbeat?: Heartbeat }) {
  const bench = createBench()
  const registration = new Registration({
    ...bench,
    nodeName: 'n1',
    events: { normal() {}, warning() {}, flush: async () => {} },
    runtime: { version: async () => ({ name: 'containerd', version: '2.0.0' }) } as unknown as Runtime,
    machine: simulatedMachine('n1', {}, 110),
    reserved: {},
    labels: {},
    annotations: {},
    taints: [],
    addresses: [],
    agentVersion: 'v1.32.0',
    port: () => undefined,
    health: () => ({
      notReady: undefined,
      memoryPressure: false,
      diskPressure: false,
      pidPressure: false,
      handlers: [],
    }),
    images: () => [],
    offers: () => ({}),
    ...more,
  })
  await registration.register(new AbortController().signal)
  const lease = [...bench.api.objects.values()].find(({ kind }) => kind === 'Lease') as any
  const node = await bench.client.get(Node, { name: 'n1' })
  return { ...bench, registration, lease, node }
}

test('a new node says what its cloud calls it, and for how long to trust its last word', async () => {
  const { node, lease } = await registered({ providerId: 'cloud://zone/n1', heartbeat: { leaseSeconds: 20 } })
  expect([node.spec?.providerID, lease.spec.leaseDurationSeconds]).toEqual(['cloud://zone/n1', 20])
  const usual = await registered({})
  expect([usual.node.spec?.providerID, usual.lease.spec.leaseDurationSeconds]).toEqual([undefined, 40])
})

test('a status that did not change is written as often as was said', async () => {
  const writesIn = async (minutes: number, heartbeat: Heartbeat) => {
    const { clock, registration, client } = await registered({ heartbeat })
    const seen = new Set<string>()
    const look = async () => seen.add((await client.get(Node, { name: 'n1' })).metadata.resourceVersion)
    await look()
    for (let tens = 0; tens < minutes * 6; tens++) {
      await clock.advance(10_000)
      await registration.updateStatus()
      await look()
    }
    return seen.size - 1
  }
  expect([await writesIn(10, {}), await writesIn(10, { statusMs: 60_000 })]).toEqual([2, 10])
})

test('volumes are in use once the API says so, and not when it could not be told', async () => {
  const { registration, client, api } = await registered({})
  await registration.announceVolumes(['v'])
  expect((await client.get(Node, { name: 'n1' })).status?.volumesInUse).toEqual(['v'])
  api.intercept = () => {
    throw new Error('away')
  }
  await expect(registration.announceVolumes(['v', 'w'])).rejects.toThrow('could not be reported')
})

test('what somebody else made of the status is put right once it was seen; older news change nothing', async () => {
  const { registration, client, node } = await registered({})
  const inUse = async () => {
    await registration.updateStatus()
    return (await client.get(Node, { name: 'n1' })).status?.volumesInUse
  }
  await registration.announceVolumes(['v'])
  const told = await client.get(Node, { name: 'n1' })
  const changed = await client.updateStatus<Node>(Node, { ...told, status: { ...told.status, volumesInUse: [] } })
  registration.seen(node)
  expect(await inUse()).toEqual([])
  registration.seen(changed)
  expect(await inUse()).toEqual(['v'])
})
