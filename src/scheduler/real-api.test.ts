import { expect, test } from 'vitest'
import { createApiServer } from '../apiserver/index.ts'
import { silentLogger } from '../base/logger.ts'
import { seededRandom } from '../base/random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createClient, createEventRecorder, createInformers, inProcessTransport } from '../client/index.ts'
import { openMemoryStore } from '../db/index.ts'
import { Event, Node, Pod, PriorityClass } from '../models/kinds/index.ts'
import { createScheduler } from './scheduler.ts'
import { makeNode, makePod, type NodeSketch, type PodSketch } from './testing/index.ts'

async function world() {
  const clock = new VirtualClock()
  const random = seededRandom(3)
  const log = silentLogger
  const store = await openMemoryStore()
  const server = await createApiServer({ store, clock, random, log })
  const user = { username: 'admin', groups: ['system:masters'] }
  const client = createClient(inProcessTransport(server.handler, user))
  const informers = createInformers({ client, clock, random, log, freeze: true })
  const events = createEventRecorder({ client, clock, random, log, component: 'default-scheduler' })
  const scheduler = createScheduler({ client, informers, clock, random, log, events })
  const ready = scheduler.start()
  await clock.advance(1_000)
  await ready
  return {
    clock,
    client,
    scheduler,
    async addNode(name: string, sketch: NodeSketch) {
      const { metadata, spec, status } = makeNode(name, sketch)
      const { labels } = metadata
      const created = await client.create(Node, { metadata: { name, ...(labels ? { labels } : {}) }, spec })
      await client.updateStatus(Node, { ...created, ...(status ? { status } : {}) })
      // The control plane taints new nodes until they are seen to be ready.
      const fresh = await client.get(Node, { name })
      await client.update(Node, { ...fresh, spec: { ...fresh.spec, taints: spec.taints ?? [] } })
    },
    async addPod(name: string, sketch: PodSketch = {}) {
      const { metadata, spec } = makePod(name, sketch)
      const { labels } = metadata
      await client.create(Pod, { metadata: { namespace: 'default', name, ...(labels ? { labels } : {}) }, spec })
    },
    pod: (name: string) => client.get(Pod, { namespace: 'default', name }),
    async [Symbol.asyncDispose]() {
      await scheduler.stop()
      await informers[Symbol.asyncDispose]()
      await server.close()
      await store[Symbol.asyncDispose]()
    },
  }
}

test('over the real API: bound, refused with a reason, placed when a node comes, preempted for', async () => {
  await using w = await world()
  await w.addNode('small', { allocatable: { cpu: '1' } })
  await w.addPod('first', { requests: { cpu: '600m' } })
  await w.addPod('second', { requests: { cpu: '600m' } })
  await w.clock.advance(1_000)
  const first = await w.pod('first')
  expect(first.spec.nodeName).toBe('small')
  expect(first.status?.conditions).toEqual([expect.objectContaining({ type: 'PodScheduled', status: 'True' })])
  const refused = (await w.pod('second')).status?.conditions
  expect(refused).toEqual([
    expect.objectContaining({
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message:
        '0/1 nodes are available: 1 Insufficient cpu. ' +
        'preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    }),
  ])

  await w.addNode('large', { allocatable: { cpu: '2' } })
  await w.clock.advance(5_000)
  expect((await w.pod('second')).spec.nodeName).toBe('large')

  await w.client.create(PriorityClass, { metadata: { name: 'vital' }, value: 1_000 })
  await w.addPod('vital', { requests: { cpu: '2' }, priorityClassName: 'vital' })
  await w.clock.advance(1_000)
  const victim = await w.pod('second')
  expect(victim.metadata.deletionTimestamp).toBeDefined()
  expect(victim.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', reason: 'PreemptionByScheduler' }),
  )
  expect((await w.pod('vital')).status?.nominatedNodeName).toBe('large')
  // Its agent would end it and then delete it for good.
  await w.client.delete(Pod, { namespace: 'default', name: 'second' }, { gracePeriodSeconds: 0 })
  await w.clock.advance(10_000)
  expect((await w.pod('vital')).spec.nodeName).toBe('large')

  const { items } = await w.client.list(Event, { namespace: 'default' })
  expect([...new Set(items.map(e => `${e.reason} ${e.involvedObject.name}`))].sort()).toEqual([
    'FailedScheduling second',
    'FailedScheduling vital',
    'Preempted second',
    'Scheduled first',
    'Scheduled second',
    'Scheduled vital',
  ])
})

test('200 pods made at once over the real API are all bound, none twice, no node overcommitted', async () => {
  await using w = await world()
  for (let i = 0; i < 10; i++) await w.addNode(`n${i}`, { allocatable: { cpu: '4' } })
  await Promise.all(Array.from({ length: 200 }, (_, i) => w.addPod(`p${i}`, { requests: { cpu: '200m' } })))
  await w.clock.advance(5_000)
  const { items } = await w.client.list(Pod, { namespace: 'default' })
  const perNode: Record<string, number> = {}
  for (const pod of items) perNode[pod.spec.nodeName ?? ''] = (perNode[pod.spec.nodeName ?? ''] ?? 0) + 1
  expect(perNode).toEqual(Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`n${i}`, 20])))
  expect(w.scheduler.stats()).toMatchObject({ scheduled: 200, failedBindings: 0 })
  // Bound in groups, yet each has its own event, in Kubernetes' words.
  await w.clock.advance(60_000)
  const events = (await w.client.list(Event, { namespace: 'default' })).items
  const said = events.map(e => `${e.source?.component} ${e.reason} ${e.involvedObject.name}: ${e.message}`)
  const due = items.map(({ metadata: { name }, spec }) => {
    const message = `Successfully assigned default/${name} to ${spec.nodeName}`
    return `default-scheduler Scheduled ${name}: ${message}`
  })
  expect(said.sort()).toEqual(due.sort())
})
