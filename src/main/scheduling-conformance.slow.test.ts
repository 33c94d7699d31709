import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { Event, Node, Pod, PriorityClass, ReplicaSet } from '../models/kinds/index.ts'
import { ControlPlane } from './control-plane.ts'

const namespace = 'default'
const hostname = 'kubernetes.io/hostname'

/** Two simulated nodes with everything that runs in a cluster, on a clock that stands still until it is moved. */
async function start() {
  const clock = new VirtualClock()
  const starting = ControlPlane.start({ nodes: 2, clock })
  let started = false
  void starting.finally(() => (started = true)).catch(() => {})
  while (!started) await clock.advance(100)
  const cluster = await starting
  const { client } = cluster
  await clock.advance(15_000)
  return {
    clock,
    client,
    /** Somebody patches a resource of their own into the capacity of a node. */
    async offer(node: string, resource: string, amount: string | null) {
      const patch = { type: 'strategic' as const, body: { status: { capacity: { [resource]: amount } } } }
      await client.patch(Node, { name: node }, patch, { subresource: 'status' })
      await clock.advance(12_000)
    },
    priority: (name: string, value: number) => client.create(PriorityClass, { metadata: { name }, value }),
    pod: (name: string, spec: object, where = namespace) =>
      client.create(Pod, { metadata: { namespace: where, name, labels: { name } }, spec } as any),
    get: (name: string, where = namespace) => client.get(Pod, { namespace: where, name }),
    list: async () => (await client.list(Pod, { namespace })).items,
    events: async (reason: string) =>
      (await client.list(Event, { namespace })).items
        .filter(e => e.reason === reason)
        .map(e => `${e.type} ${e.involvedObject.name}: ${e.message}`),
    async [Symbol.asyncDispose]() {
      let ended = false
      const ending = cluster[Symbol.asyncDispose]().finally(() => (ended = true))
      while (!ended) await clock.advance(100)
      await ending
    },
  }
}

const wants = (resource: string, amount: number, more: object = {}) => ({
  containers: [{ name: 'c', image: 'pause', resources: { limits: { [resource]: `${amount}` } } }],
  terminationGracePeriodSeconds: 1,
  ...more,
})
const onNode = (node: string) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
      },
    },
  },
})

test('a resource patched into a node’s capacity is scheduled by, preempted for, and gone when it is taken out', async () => {
  await using w = await start()
  const foo = 'scheduling.k8s.io/foo'
  await w.priority('low', 1)
  await w.priority('medium', 100)
  await w.priority('high', 1_000)
  for (const node of ['node-1', 'node-2']) await w.offer(node, foo, '3')
  await w.pod('pod0', wants(foo, 2, { priorityClassName: 'low', ...onNode('node-1') }))
  await w.pod('pod1', wants(foo, 2, { priorityClassName: 'medium', ...onNode('node-2') }))
  await w.clock.advance(5_000)
  expect((await w.list()).map(p => p.status?.phase)).toEqual(['Running', 'Running'])

  await w.pod('waiting', wants(foo, 2))
  await w.clock.advance(1_000)
  expect(await w.events('FailedScheduling')).toEqual([
    expect.stringMatching(
      /^Warning waiting: 0\/2 nodes are available: 2 Insufficient scheduling.k8s.io\/foo. preemption: 0\/2 nodes are available: 2 No preemption victims found for incoming pod\./,
    ),
  ])
  await w.client.delete(Pod, { namespace, name: 'waiting' })

  await w.pod('preemptor', wants(foo, 2, { priorityClassName: 'high' }))
  await w.clock.advance(10_000)
  expect((await w.list()).map(p => [p.metadata.name, p.spec.nodeName, p.status?.phase])).toEqual([
    ['pod1', 'node-2', 'Running'],
    ['preemptor', 'node-1', 'Running'],
  ])
  const { uid } = (await w.get('preemptor')).metadata
  expect(await w.events('Preempted')).toEqual([`Normal pod0: Preempted by pod ${uid} on node node-1`])
  expect(await w.events('Scheduled')).toContain('Normal preemptor: Successfully assigned default/preemptor to node-1')

  // A pod that the cluster depends on, in another namespace: the least important one goes.
  await w.pod('critical', wants(foo, 2, { priorityClassName: 'system-cluster-critical' }), 'kube-system')
  await w.clock.advance(10_000)
  expect((await w.get('critical', 'kube-system')).spec.nodeName).toBe('node-2')
  expect((await w.list()).map(p => p.metadata.name)).toEqual(['preemptor'])

  await w.offer('node-1', foo, null)
  const { capacity, allocatable } = (await w.client.get(Node, { name: 'node-1' })).status!
  expect([capacity?.[foo], allocatable?.[foo]]).toEqual([undefined, undefined])
})

test('a preempted pod with a finalizer says DisruptionTarget while it is kept', async () => {
  await using w = await start()
  await w.priority('high', 1_000)
  await w.offer('node-1', 'example.com/foo', '1')
  const victim = await w.pod('victim', wants('example.com/foo', 1))
  await w.client.patch(
    Pod,
    { namespace, name: victim.metadata.name },
    { type: 'merge', body: { metadata: { finalizers: ['example.com/keep'] } } },
  )
  await w.clock.advance(5_000)
  await w.pod('preemptor', wants('example.com/foo', 1, { priorityClassName: 'high' }))
  await w.clock.advance(10_000)
  const { metadata, status } = await w.get('victim')
  expect(metadata.deletionTimestamp).toBeDefined()
  expect(status?.conditions?.find(c => c.type === 'DisruptionTarget')).toMatchObject({
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: 'default-scheduler: preempting to accommodate a higher priority pod',
  })
  // It has ended, so its place is free although it is still there.
  expect((await w.get('preemptor')).spec.nodeName).toBe('node-1')
})

test('pods of ReplicaSets are preempted once each, and their replacements leave the freed room alone', async () => {
  await using w = await start()
  const fake = 'example.com/fakecpu'
  await w.offer('node-1', fake, '1000')
  for (const level of [1, 2, 3, 4]) await w.priority(`p${level}`, level)
  for (const [i, amount] of [200, 300, 450].entries()) {
    const name = `pod${i + 1}`
    await w.client.create(ReplicaSet, {
      metadata: { namespace, name: `rs-${name}` },
      spec: {
        replicas: 1,
        selector: { matchLabels: { name } },
        template: {
          metadata: { labels: { name } },
          spec: wants(fake, amount, { priorityClassName: `p${i + 1}`, nodeSelector: { [hostname]: 'node-1' } }),
        },
      },
    } as any)
  }
  await w.clock.advance(5_000)
  await w.pod('pod4', wants(fake, 500, { priorityClassName: 'p4', nodeSelector: { [hostname]: 'node-1' } }))
  await w.clock.advance(20_000)
  const names = (created: string[]) => created.map(m => m.replace(/^.*Created pod: (rs-pod\d).*$/, '$1')).sort()
  expect(names(await w.events('SuccessfulCreate'))).toEqual(['rs-pod1', 'rs-pod1', 'rs-pod2', 'rs-pod2', 'rs-pod3'])
  const where = (await w.list()).map(p => `${p.metadata.labels?.['name']} ${p.spec.nodeName ?? '-'}`)
  expect(where.sort()).toEqual(['pod1 -', 'pod2 -', 'pod3 node-1', 'pod4 node-1'])
})
