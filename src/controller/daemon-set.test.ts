import { afterEach, describe, expect, it } from 'vitest'
import { ControllerRevision, DaemonSet, Node, Pod } from '../models/kinds/index.ts'
import type { Draft } from '../models/object.ts'
import { daemonSetReconciler } from './daemon-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate
afterEach(() => cluster?.[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'log' }
const template = (image: string, spec: object = {}) => ({
  metadata: { labels: { app: 'log' } },
  spec: { containers: [{ name: 'main', image }], ...spec },
})

async function start(nodes: number): Promise<void> {
  fate = () => 'ready'
  cluster = await startTestCluster({ reconcilers: [daemonSetReconciler()], fate: pod => fate(pod) })
  for (let i = 1; i <= nodes; i++) await addNode(`n${i}`)
}
async function addNode(name: string, labels: Record<string, string> = {}): Promise<void> {
  await cluster.client.create(Node, { metadata: { name, labels }, spec: {} })
  // A new node is tainted until it is ready, which these are.
  await cluster.client.patch(Node, { name }, { type: 'merge', body: { spec: { taints: null } } })
}
const log = (spec: Partial<DaemonSet['spec']> = {}): Draft<DaemonSet> => ({
  metadata: key,
  spec: { selector: { matchLabels: { app: 'log' } }, template: template('log:1'), ...spec },
})
const get = () => cluster.client.get(DaemonSet, key)
const pods = async () => (await cluster.client.list(Pod, { namespace: 'default' })).items
const where = async () => (await pods()).map(p => p.spec.nodeName).sort()
const patch = (spec: object) => cluster.client.patch(DaemonSet, key, { type: 'merge', body: { spec } })
const image = (p: Pod) => p.spec.containers[0]!.image!
const done = (n: number) => async () => {
  const { status = {} as NonNullable<DaemonSet['status']>, metadata } = await get()
  return (
    status.observedGeneration === metadata.generation &&
    status.desiredNumberScheduled === n &&
    status.numberAvailable === n &&
    status.updatedNumberScheduled === n
  )
}
const why = async () => ({
  status: (await get()).status,
  pods: (await pods()).map(p => [p.spec.nodeName, image(p), p.status?.phase]),
})

describe('a DaemonSet', () => {
  it('keeps its templates to the byte as Kubernetes writes them, by which clients know the present one', async () => {
    await start(1)
    await cluster.client.create(DaemonSet, log())
    await cluster.until(done(1), 20_000, why)
    const { items } = await cluster.client.list(ControllerRevision, { namespace: 'default' })
    const sorted = (_: string, v: unknown) =>
      v && typeof v === 'object' && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v
    const patch = { spec: { template: { $patch: 'replace', ...(await get()).spec.template } } }
    expect(JSON.stringify(items[0]!.data)).toBe(JSON.stringify(patch, sorted))
  })

  it('has one pod on each node, those that come later included', async () => {
    await start(3)
    await cluster.client.create(DaemonSet, log())
    await cluster.until(done(3), 20_000, why)
    expect(await where()).toEqual(['n1', 'n2', 'n3'])
    await addNode('n4')
    await cluster.until(done(4), 20_000, why)
    const [pod] = await pods()
    expect(pod!.metadata.labels).toMatchObject({ app: 'log', 'controller-revision-hash': expect.any(String) })
    expect(pod!.spec.tolerations!.map(t => `${t.key}:${t.effect}`)).toEqual(
      expect.arrayContaining([
        'node.kubernetes.io/unreachable:NoExecute',
        'node.kubernetes.io/unschedulable:NoSchedule',
      ]),
    )
    expect((await get()).status).toMatchObject({ currentNumberScheduled: 4, numberReady: 4 })
  })

  it('follows labels of nodes, and taints', async () => {
    await start(2)
    await addNode('ssd', { disk: 'ssd' })
    await cluster.client.create(DaemonSet, log({ template: template('log:1', { nodeSelector: { disk: 'ssd' } }) }))
    await cluster.until(done(1), 20_000, why)
    expect(await where()).toEqual(['ssd'])
    await cluster.client.patch(Node, { name: 'n1' }, { type: 'merge', body: { metadata: { labels: { disk: 'ssd' } } } })
    await cluster.until(async () => (await where()).join() === 'n1,ssd')
    await cluster.client.patch(
      Node,
      { name: 'ssd' },
      { type: 'merge', body: { metadata: { labels: { disk: 'hdd' } } } },
    )
    await cluster.until(async () => (await where()).join() === 'n1')
    const taint = (effect: string) =>
      cluster.client.patch(Node, { name: 'n1' }, { type: 'merge', body: { spec: { taints: [{ key: 'k', effect }] } } })
    await taint('NoSchedule')
    await cluster.pass(3_000)
    expect(await where()).toEqual(['n1'])
    await taint('NoExecute')
    await cluster.until(async () => (await where()).length === 0)
  })

  it('is updated node by node, never more of them down than allowed', async () => {
    await start(5)
    await cluster.client.create(
      DaemonSet,
      log({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } }),
    )
    await cluster.until(done(5), 20_000, why)
    await patch({ template: template('log:2') })
    let fewest = 5
    await cluster.until(
      async () => {
        const up = (await pods()).filter(
          p =>
            !p.metadata.deletionTimestamp && p.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True'),
        )
        fewest = Math.min(fewest, up.length)
        return (await done(5)()) && (await pods()).every(p => image(p) === 'log:2')
      },
      60_000,
      why,
    )
    expect(fewest).toBeGreaterThanOrEqual(3)
  })

  it('with a surge has the new pod up before the old one goes', async () => {
    await start(3)
    const rollingUpdate = { maxSurge: 1, maxUnavailable: 0 }
    await cluster.client.create(DaemonSet, log({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } }))
    await cluster.until(done(3), 20_000, why)
    await patch({ template: template('log:2') })
    let fewest = 3
    await cluster.until(
      async () => {
        const up = (await pods()).filter(
          p =>
            !p.metadata.deletionTimestamp && p.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True'),
        )
        fewest = Math.min(fewest, new Set(up.map(p => p.spec.nodeName)).size)
        return (await done(3)()) && (await pods()).length === 3 && (await pods()).every(p => image(p) === 'log:2')
      },
      60_000,
      why,
    )
    expect(fewest).toBe(3)
  })

  it('goes back without restarting the pods that were never changed', async () => {
    await start(4)
    await cluster.client.create(DaemonSet, log())
    await cluster.until(done(4), 20_000, why)
    fate = pod => (image(pod) === 'log:bad' ? 'running' : 'ready')
    await patch({ template: template('log:bad') })
    await cluster.until(async () => (await pods()).some(p => image(p) === 'log:bad'))
    await cluster.pass(5_000)
    const kept = (await pods()).filter(p => image(p) === 'log:1').map(p => p.metadata.uid)
    expect(kept.length).toBe(3)
    await patch({ template: template('log:1') })
    await cluster.until(done(4), 60_000, why)
    expect((await pods()).map(p => p.metadata.uid)).toEqual(expect.arrayContaining(kept))
  })

  it('replaces failed pods, ever more slowly', async () => {
    await start(1)
    let made = 0
    const seen = new Set<string>()
    fate = pod => {
      if (!seen.has(pod.metadata.uid)) made++
      seen.add(pod.metadata.uid)
      return 'failed'
    }
    await cluster.client.create(DaemonSet, log())
    await cluster.pass(60_000)
    expect(made).toBeGreaterThanOrEqual(5)
    expect(made).toBeLessThanOrEqual(9)
    fate = () => 'ready'
    await cluster.until(done(1), 120_000, why)
  })
})
