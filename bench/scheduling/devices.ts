import { systemClock as clock } from '../../src/base/clock.ts'
import { silentLogger as log } from '../../src/base/logger.ts'
import { systemRandom as random } from '../../src/base/random.ts'
import { type Client, createReconcilerRunner, type InformerSet } from '../../src/client/index.ts'
import {
  createGarbageCollector,
  resourceClaimReconciler,
  resourceClaimTemplateReconciler,
} from '../../src/controller/index.ts'
import { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from '../../src/models/kinds/index.ts'
import { many } from './many.ts'

const driver = 'test-driver.cdi.k8s.io'
const spec = { devices: { requests: [{ name: 'req-0', deviceClassName: 'test-class' }] } }

/** The node's slice: so many devices, all alike. */
export async function addDevices(client: Client, node: string, count: number): Promise<void> {
  const devices = Array.from({ length: count }, (_, i) => ({ name: `instance-${i}`, basic: {} }))
  const pool = { name: node, generation: 1, resourceSliceCount: 1 }
  await client.create(ResourceSlice, { metadata: { name: node }, spec: { driver, nodeName: node, pool, devices } })
}

/** What pods with claims by template need: class, template, and the controllers that make and end claims. */
export async function startClaims(client: Client, informers: InformerSet): Promise<{ stop(): Promise<void> }> {
  await client.create(DeviceClass, {
    metadata: { name: 'test-class' },
    spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
  })
  await client.create(ResourceClaimTemplate, { metadata: { namespace: 'default', name: 'test' }, spec: { spec } })
  const reconcilers = [resourceClaimTemplateReconciler(), resourceClaimReconciler()]
  const runner = createReconcilerRunner({ client, informers, clock, random, log, reconcilers })
  const collector = createGarbageCollector({ client, informers, clock, random, log })
  await Promise.all([runner.start(), collector.start()])
  return { stop: async () => void (await Promise.all([runner.stop(), collector.stop()])) }
}

/** Claims that have devices already, on the nodes in turn. */
export async function addTakenClaims(client: Client, count: number, nodes: number): Promise<void> {
  await many(count, async i => {
    const node = `node-${i % nodes}`
    const claim = await client.create(ResourceClaim, { metadata: { namespace: 'default', name: `taken-${i}` }, spec })
    const device = `instance-${Math.floor(i / nodes)}`
    const results = [{ request: 'req-0', driver, pool: node, device }]
    const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [node] }] }]
    const allocation = { devices: { results }, nodeSelector: { nodeSelectorTerms: terms } }
    await client.updateStatus(ResourceClaim, { ...claim, status: { allocation } })
  })
}
