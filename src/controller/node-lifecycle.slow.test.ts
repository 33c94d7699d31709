import { afterEach, describe, expect, it } from 'vitest'
import { microTimestamp, timestamp } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { seededRandom } from '../base/random.ts'
import { createReconcilerRunner } from '../client/index.ts'
import { Event, Lease, Node, Pod } from '../models/kinds/index.ts'
import { covers } from '../models/taints.ts'
import { isLeftOut } from './node-health.ts'
import { nodeLifecycleReconciler, type ZoneMetrics } from './node-lifecycle.ts'
import { podGcReconciler, surplus } from './pod-gc.ts'
import { taintEvictionReconciler, toleratedMs } from './taint-eviction.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

const silent = new Set<string>()
const zoneCounts = new Map<string, [nodes: number, ready: number]>()
const evictions: string[] = []

async function start(count: number, zones: Record<string, string> = {}): Promise<void> {
  silent.clear()
  zoneCounts.clear()
  evictions.length = 0
  const metrics: ZoneMetrics = {
    counted: (zone, nodes, ready) => void zoneCounts.set(zone, [nodes, ready]),
    evicted: zone => void evictions.push(zone),
  }
  cluster = await startTestCluster({
    reconcilers: [nodeLifecycleReconciler({ metrics }), taintEvictionReconciler(), podGcReconciler()],
    // Pods of this test are placed by hand and stay as they are.
    fate: () => 'pending',
  })
  for (let i = 1; i <= count; i++) await addNode(`n${i}`, zones[`n${i}`])
  await cluster.pass(1_000)
}

async function addNode(name: string, zone = 'a'): Promise<void> {
  const now = timestamp(cluster.clock)
  await cluster.client.create(Node, { metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } }, spec: {} })
  await cluster.client.patch(
    Node,
    { name },
    {
      type: 'merge',
      body: {
        status: {
          conditions: ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map(type => ({
            type,
            status: type === 'Ready' ? 'True' : 'False',
            lastHeartbeatTime: now,
            lastTransitionTime: now,
          })),
        },
      },
    },
    { subresource: 'status' },
  )
  await cluster.client.create(Lease, {
    metadata: { namespace: 'kube-node-lease', name },
    spec: { holderIdentity: name, renewTime: microTimestamp(cluster.clock) },
  })
}

/** Time passes; nodes that are not silent renew their leases every ten seconds. */
async function live(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    for (const node of cluster.informers.for(Node).list())
      if (!silent.has(node.metadata.name)) {
        const body = { spec: { renewTime: microTimestamp(cluster.clock) } }
        await cluster.client.patch(
          Lease,
          { namespace: 'kube-node-lease', name: node.metadata.name },
          { type: 'merge', body },
        )
      }
    await cluster.pass(Math.min(10_000, ms - passed))
  }
}

const node = (name: string) => cluster.client.get(Node, { name })
const ready = async (name: string) => (await node(name)).status!.conditions!.find(c => c.type === 'Ready')!
const taints = async (name: string) => ((await node(name)).spec.taints ?? []).map(t => `${t.key}:${t.effect}`).sort()
const unreachable = ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule']

async function addPod(name: string, nodeName: string, tolerations?: Pod['spec']['tolerations']): Promise<void> {
  await cluster.client.create(Pod, {
    metadata: { namespace: 'default', name },
    spec: { nodeName, containers: [{ name: 'main', image: 'app:1' }], ...(tolerations ? { tolerations } : {}) },
  })
  const body = {
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(cluster.clock) }],
    },
  }
  await cluster.client.patch(Pod, { namespace: 'default', name }, { type: 'merge', body }, { subresource: 'status' })
}
const pod = (name: string) => cluster.client.get(Pod, { namespace: 'default', name }).catch(() => undefined)

describe('a node that falls silent', () => {
  it('becomes Unknown after 50 s, not before, and is well again when it reports', async () => {
    await start(3)
    await addPod('p', 'n1')
    silent.add('n1')
    await live(40_000)
    expect((await ready('n1')).status).toBe('True')
    await live(15_000)
    expect(await ready('n1')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    })
    expect((await ready('n2')).status).toBe('True')
    expect(await taints('n1')).toEqual(unreachable)
    expect((await pod('p'))!.status!.conditions!.find(c => c.type === 'Ready')!.status).toBe('False')

    silent.delete('n1')
    const conditions = (await node('n1')).status!.conditions!.map(c => ({
      ...c,
      status: c.type === 'Ready' ? 'True' : 'False',
      lastHeartbeatTime: timestamp(cluster.clock),
    }))
    await cluster.client.patch(
      Node,
      { name: 'n1' },
      { type: 'merge', body: { status: { conditions } } },
      { subresource: 'status' },
    )
    await live(20_000)
    expect(await taints('n1')).toEqual([])
    expect((await ready('n1')).status).toBe('True')
  })

  it('is not found dead because the wall clock jumps', async () => {
    await start(2)
    cluster.clock.jumpWall(3_600_000)
    await live(20_000)
    cluster.clock.jumpWall(-7_200_000)
    await live(20_000)
    expect([(await ready('n1')).status, (await ready('n2')).status]).toEqual(['True', 'True'])
  })

  it('keeps its pods for as long as they tolerate it', async () => {
    await start(3)
    const tolerate = (tolerationSeconds?: number) => [
      {
        key: 'node.kubernetes.io/unreachable',
        operator: 'Exists' as const,
        effect: 'NoExecute' as const,
        ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
      },
    ]
    await addPod('short', 'n1', tolerate(30))
    await addPod('for-ever', 'n1', tolerate())
    await addPod('elsewhere', 'n2', tolerate(30))
    silent.add('n1')
    await live(50_000)
    expect((await pod('short'))!.metadata.deletionTimestamp).toBeUndefined()
    await live(40_000)
    const gone = await pod('short')
    expect(gone?.metadata.deletionTimestamp ?? 'deleted').toBeTruthy()
    if (gone)
      expect(gone.status!.conditions).toContainEqual(
        expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }),
      )
    expect((await pod('for-ever'))!.metadata.deletionTimestamp).toBeUndefined()
    expect((await pod('elsewhere'))!.metadata.deletionTimestamp).toBeUndefined()
  })
})

describe('a network cut', () => {
  it('that takes every node empties none', async () => {
    await start(4)
    for (const n of ['n1', 'n2', 'n3', 'n4']) silent.add(n)
    await live(300_000)
    for (const n of ['n1', 'n2', 'n3', 'n4'])
      expect(await taints(n)).toEqual(['node.kubernetes.io/unreachable:NoSchedule'])
  })

  it('that takes most of a small zone empties none of it', async () => {
    const zones = Object.fromEntries(['n5', 'n6', 'n7', 'n8'].map(n => [n, 'b']))
    await start(8, zones)
    for (const n of ['n5', 'n6', 'n7']) silent.add(n)
    await live(120_000)
    const evicting = (await Promise.all(['n5', 'n6', 'n7'].map(taints))).filter(t => t.includes(unreachable[0]!))
    // The first may go before the others are known to be silent; then the zone counts as disrupted.
    expect(evicting.length).toBeLessThanOrEqual(1)
  })

  it('that takes a whole zone of several empties it at one node in ten seconds', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `n${i + 1}`)
    const dead = names.slice(0, 6)
    await start(10, Object.fromEntries(dead.map(n => [n, 'dead'])))
    for (const n of dead) silent.add(n)
    const emptied = async () => (await Promise.all(dead.map(taints))).filter(t => t.includes(unreachable[0]!)).length
    await live(50_000)
    const first = await emptied()
    expect(first).toBeLessThanOrEqual(2)
    await live(20_000)
    expect((await emptied()) - first).toBeLessThanOrEqual(3)
    await live(60_000)
    expect(await emptied()).toBe(6)
    expect([[...zoneCounts], evictions]).toEqual([
      [
        ['/dead', [6, 0]],
        ['/a', [4, 4]],
      ],
      Array.from({ length: 6 }, () => '/dead'),
    ])
  })
})

it('a node that has not said anything yet is not lost, and is when it says nothing for a minute', async () => {
  await start(1)
  silent.add('new')
  await cluster.client.create(Node, { metadata: { name: 'new' }, spec: {} })
  await live(50_000)
  expect((await taints('new')).filter(t => t.endsWith('NoExecute'))).toEqual([])
  await live(30_000)
  expect(await taints('new')).toEqual(expect.arrayContaining(unreachable))
})

it('a node that comes and goes is told of, and keeps its labels by their old names', async () => {
  await start(1)
  await cluster.client.create(Node, {
    metadata: { name: 'arm', labels: { 'kubernetes.io/arch': 'arm64', 'beta.kubernetes.io/arch': 'amd64' } },
    spec: {},
  })
  await cluster.pass(2_000)
  expect((await node('arm')).metadata.labels).toMatchObject({ 'beta.kubernetes.io/arch': 'arm64' })
  await cluster.client.delete(Node, { name: 'arm' })
  await cluster.pass(2_000)
  const { items } = await cluster.client.list(Event, { namespace: 'default' })
  expect(items.filter(e => e.involvedObject.name === 'arm').map(e => `${e.reason}: ${e.message}`)).toEqual([
    'RegisteredNode: Node arm event: Registered Node arm in Controller',
    'RemovingNode: Node arm event: Removing Node arm from Controller',
  ])
})

it('nodes that are left out of disruptions do not count for their zone', () => {
  const labels = { 'node.kubernetes.io/exclude-disruption': '' }
  expect(isLeftOut({ metadata: { name: 'a', labels } } as unknown as Node)).toBe(true)
  expect(isLeftOut({ metadata: { name: 'a' } } as unknown as Node)).toBe(false)
})

it('of too many finished pods those that were evicted go first, then the oldest', () => {
  const finished = (name: string, minute: number, reason?: string) => {
    const creationTimestamp = `2026-01-01T00:0${minute}:00Z`
    return { metadata: { name, creationTimestamp }, status: { phase: 'Failed', reason } } as unknown as Pod
  }
  const pods = [finished('old', 1), finished('new', 3), finished('evicted', 5, 'Evicted'), finished('older', 0)]
  expect(surplus(pods, 2).map(p => p.metadata.name)).toEqual(['evicted', 'older'])
  expect(surplus(pods, 4)).toEqual([])
  const going = finished('going', 2)
  going.metadata.deletionTimestamp = '2026-01-01T01:00:00Z'
  expect(surplus([...pods, going], 4).map(p => p.metadata.name)).toEqual(['evicted'])
})

it('pods of a node that was deleted are removed after 40 s, those deleted before they had a node at once', async () => {
  await start(2)
  await addPod('p', 'n1')
  await cluster.client.delete(Node, { name: 'n1' })
  await live(30_000)
  expect(await pod('p')).toBeDefined()
  await live(60_000)
  expect(await pod('p')).toBeUndefined()
})

it.each([
  [{ operator: 'Exists' }, true],
  [{ key: 'k', operator: 'Exists' }, true],
  [{ key: 'other', operator: 'Exists' }, false],
  [{ key: 'k', operator: 'Equal', value: 'v' }, true],
  [{ key: 'k', value: 'w' }, false],
  [{ key: 'k', value: 'v', effect: 'NoSchedule' }, false],
  [{}, false],
] as const)('toleration %j tolerates k=v:NoExecute: %s', (toleration, expected) => {
  expect(covers(toleration, { key: 'k', value: 'v', effect: 'NoExecute' })).toBe(expected)
})

it('the shortest toleration counts, and one taint that is not tolerated suffices', () => {
  const a = { key: 'a', effect: 'NoExecute' } as const
  const b = { key: 'b', effect: 'NoExecute' } as const
  const by = (key: string, tolerationSeconds?: number) => ({
    key,
    operator: 'Exists' as const,
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  })
  expect(toleratedMs([a, b], [by('a', 30), by('b', 10)])).toBe(10_000)
  expect(toleratedMs([a, b], [by('a', 30)])).toBe(0)
  expect(toleratedMs([a, b], [by('a'), by('b')])).toBe(Infinity)
  expect(toleratedMs([a], [by('a', -5)])).toBe(0)
})

describe('an eviction that waits', () => {
  const taintNode = (name: string, ...keys: string[]) =>
    cluster.client.patch(
      Node,
      { name },
      { type: 'merge', body: { spec: { taints: keys.map(key => ({ key, effect: 'NoExecute' })) } } },
    )
  const by = (key: string, tolerationSeconds?: number) => ({
    ...{ key, operator: 'Exists' as const, effect: 'NoExecute' as const },
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  })
  const told = async (name: string) =>
    (await cluster.client.list(Event, { namespace: 'default' })).items
      .filter(e => e.reason === 'TaintManagerEviction' && e.involvedObject.name === name)
      .map(e => e.message)
      .sort()

  it('is not hurried by another taint that the pod tolerates for a while, and is by one that it does not tolerate', async () => {
    await start(2)
    await addPod('p', 'n1', [by('first', 100), by('second', 20)])
    await taintNode('n1', 'first')
    await live(50_000)
    await taintNode('n1', 'first', 'second')
    await live(10_000)
    expect((await pod('p'))!.metadata.deletionTimestamp).toBeUndefined()
    await taintNode('n1', 'first', 'third')
    await live(1_000)
    expect((await pod('p'))?.metadata.deletionTimestamp ?? 'gone').toBeTruthy()
    expect(await told('p')).toEqual(['Cancelling deletion of Pod default/p', 'Marking for deletion Pod default/p'])
  })

  it('is called off when the pod goes by itself', async () => {
    await start(1)
    await addPod('p', 'n1', [by('first', 100)])
    await taintNode('n1', 'first')
    await live(5_000)
    await cluster.client.delete(Pod, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 })
    await live(1_000)
    expect(await told('p')).toEqual(['Cancelling deletion of Pod default/p'])
  })
})

it('a server that was away for ten minutes finds no node lost at its return, and evicts nothing from one that was', async () => {
  await start(4)
  const within = { effect: 'NoExecute', operator: 'Exists', tolerationSeconds: 300 } as const
  await addPod('p', 'n1', [within])
  await addPod('q', 'n2', [within])
  silent.add('n1')
  await live(70_000)
  expect(await taints('n1')).toEqual(unreachable)
  const { client, clock, informers, runner } = cluster
  const stopping = runner.stop()
  await cluster.pass(600_000)
  await stopping
  const again = createReconcilerRunner({
    ...{ client, clock, informers, random: seededRandom(2), log: silentLogger, strict: true },
    reconcilers: [nodeLifecycleReconciler(), taintEvictionReconciler()],
  })
  const starting = again.start()
  // Nobody has reported yet: that is no sign of anything before its time.
  await cluster.pass(45_000)
  await starting
  expect(await Promise.all(['n2', 'n3', 'n4'].map(taints))).toEqual([[], [], []])
  silent.clear()
  const seen = await node('n1')
  const now = timestamp(clock)
  const conditions = seen.status!.conditions!.map(c => ({
    ...c,
    status: c.type === 'Ready' ? 'True' : 'False',
    lastHeartbeatTime: now,
  }))
  await client.patch(
    Node,
    { name: 'n1' },
    { type: 'merge', body: { status: { conditions } } },
    { subresource: 'status' },
  )
  await live(400_000)
  expect(await Promise.all(['n1', 'n2', 'n3', 'n4'].map(taints))).toEqual([[], [], [], []])
  expect([(await pod('p'))?.metadata.deletionTimestamp, (await pod('q'))?.metadata.deletionTimestamp]).toEqual([
    undefined,
    undefined,
  ])
  expect([await pod('p'), await pod('q')].map(p => p?.metadata.name)).toEqual(['p', 'q'])
  const ended = again.stop()
  await cluster.pass(5_000)
  await ended
})

it('a pod that was deleted before it had a node has failed, for those whose finalizer holds it', async () => {
  await start(1)
  await cluster.client.create(Pod, {
    metadata: { namespace: 'default', name: 'held', finalizers: ['batch.kubernetes.io/job-tracking'] },
    spec: { containers: [{ name: 'main', image: 'app:1' }] },
  })
  await cluster.client.delete(Pod, { namespace: 'default', name: 'held' })
  await live(1_000)
  expect((await pod('held'))!.status!.phase).toBe('Failed')
})
