import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { seededRandom } from '../base/random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createClient, createInformers, httpTransport, type Reconciler } from '../client/index.ts'
import { ConfigMap, Namespace, Pod } from '../models/kinds/index.ts'
import { ControlPlane } from './control-plane.ts'

const bare = { nodes: 0, controllers: false, scheduler: false }
const named = (name: string) => ({ metadata: { namespace: 'default', name }, data: {} })
const eve = { username: 'eve', groups: ['system:masters'] }

/** How to reach what a kubeconfig names. */
function reached(kubeconfig: string) {
  const { clusters, users } = JSON.parse(kubeconfig)
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster
  return httpTransport({ server, ca: Buffer.from(ca, 'base64').toString(), token: users[0].user.token })
}

test('a kubeconfig lets in its user, over HTTPS and with faults', async () => {
  await using cluster = await ControlPlane.start(bare)
  await using transport = reached(await cluster.kubeconfig(eve))
  const client = createClient(transport)
  const config = new KubeConfig()
  config.loadFromString(await cluster.kubeconfig(eve))
  const { items } = await config.makeApiClient(CoreV1Api).listNamespace()
  expect(items.map(one => one.metadata?.name)).toContain('default')
  expect((await client.create(ConfigMap, named('a'))).metadata.name).toBe('a')
  cluster.faults.add({ verb: 'create', resource: 'configmaps', fail: 'Invalid', message: 'no', times: 1 })
  await expect(client.create(ConfigMap, named('b'))).rejects.toMatchObject({
    reason: 'Invalid',
    code: 422,
    message: 'no',
  })
  expect((await client.create(ConfigMap, named('b'))).metadata.name).toBe('b')
  await using other = reached(await cluster.kubeconfig({ username: 'bob', groups: [] }))
  await expect(createClient(other).create(ConfigMap, named('c'))).rejects.toThrow('User "bob" cannot create')
})

test('faults concern what they match, so often as they say, and not the test itself', async () => {
  await using cluster = await ControlPlane.start(bare)
  const client = cluster.as(eve)
  const fault = cluster.faults.add({ resource: 'configmaps', name: 'a', fail: 'Conflict' })
  await cluster.client.create(ConfigMap, named('a'))
  const get = () => client.get(ConfigMap, { namespace: 'default', name: 'a' })
  await expect(get()).rejects.toMatchObject({ reason: 'Conflict', code: 409 })
  expect((await client.list(ConfigMap, { namespace: 'default' })).items.length).toBeGreaterThan(0)
  fault[Symbol.dispose]()
  expect((await get()).metadata.name).toBe('a')
})

test('a slow answer comes by the clock of the control plane', async () => {
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ ...bare, clock })
  cluster.faults.add({ verb: 'list', resource: 'namespaces', delayMs: 30_000 })
  let answered = false
  const listed = cluster
    .as(eve)
    .list(Namespace)
    .then(() => (answered = true))
  await clock.advance(29_999)
  expect(answered).toBe(false)
  await clock.advance(1)
  await listed
})

test('an informer survives watches that are cut, and lists anew when they expire', async () => {
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ ...bare, clock })
  const client = cluster.as(eve)
  await using informers = createInformers({ client, clock, random: seededRandom(1), log: silentLogger })
  const informer = informers.for(ConfigMap)
  await informer.ready()
  await clock.advance(5_000)
  const seen = async (name: string) => {
    await cluster.client.create(ConfigMap, named(name))
    await clock.advance(5_000)
    return informer.get({ namespace: 'default', name }) !== undefined
  }
  expect(cluster.faults.cutWatches({ resource: 'configmaps' })).toBe(1)
  expect(await seen('a')).toBe(true)
  expect(cluster.faults.cutWatches({ resource: 'secrets' })).toBe(0)
  let lists = 0
  const list = client.list.bind(client)
  client.list = ((kind: typeof ConfigMap) => {
    lists++
    return list(kind)
  }) as typeof list
  expect(cluster.faults.expireWatches({ resource: 'configmaps' })).toBe(1)
  expect(await seen('b')).toBe(true)
  expect(lists).toBe(1)
})

test('a reconciler of yours meets the faults and tries again', async () => {
  const marker: Reconciler = {
    name: 'marker',
    primary: Namespace,
    writes: [{ kind: ConfigMap, part: 'owned' }],
    async reconcile({ name }, { client }) {
      if (name === 'shop') await client.create(ConfigMap, { metadata: { namespace: name, name: 'mark' }, data: {} })
    },
  }
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ nodes: 0, clock, reconcilers: [marker] })
  cluster.faults.add({ verb: 'create', namespace: 'shop', fail: 'InternalError', times: 2 })
  await cluster.client.create(Namespace, { metadata: { name: 'shop' }, spec: {} })
  await clock.advance(10_000)
  expect((await cluster.client.get(ConfigMap, { namespace: 'shop', name: 'mark' })).metadata.name).toBe('mark')
  expect(cluster.controllers!.runner.stats()['marker']!.failed).toBeGreaterThanOrEqual(2)
})

test('plugins of yours place pods, what-if and explanations know them, and the past can be asked for', async () => {
  const clock = new VirtualClock()
  const odd = {
    name: 'OnlyNode2',
    prepare: () => true,
    filter: (_: unknown, node: { name: string }) => (node.name === 'node-2' ? undefined : 'not node-2'),
  }
  await using cluster = await ControlPlane.start({ nodes: 3, clock, plugins: [{ plugin: odd, weight: 0 }] })
  // Nodes are ready a moment after their start.
  await clock.advance(1_000)
  const pod = (name: string, cpu: string) => ({
    metadata: { namespace: 'default', name },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
  })
  const { placements } = await cluster.simulate({ pods: [pod('what', '1') as any] })
  expect(placements).toEqual([{ pod: 'default/what', node: 'node-2' }])
  await cluster.client.create(Pod, pod('a', '1'))
  await cluster.client.create(Pod, pod('big', '100'))
  await clock.advance(5_000)
  const key = { namespace: 'default', name: 'a' }
  expect((await cluster.client.get(Pod, key)).spec.nodeName).toBe('node-2')
  const { latest } = await cluster.explain({ namespace: 'default', name: 'big' })
  expect(latest?.message).toContain('3 Insufficient cpu')
  const history = await cluster.history(Pod, key)
  const first = history.at(-1)!.object!.metadata.resourceVersion
  expect((await cluster.getAsOf(Pod, key, first)).spec.nodeName).toBeUndefined()
  await expect(cluster.explain({ namespace: 'default', name: 'none' })).rejects.toThrow('pods "none" not found')
})

test('misuse is told: wrong options, a taken port, and use after the end', async () => {
  await expect(ControlPlane.start({ node: 2 } as any)).rejects.toThrow('ControlPlane.start knows no option "node"')
  await expect(ControlPlane.start({ nodes: -1 })).rejects.toThrow('nodes is -1')
  const cluster = await ControlPlane.start(bare)
  const { port } = new URL(await cluster.listen())
  await expect(cluster.listen(Number(port))).rejects.toThrow(port)
  await Promise.all([cluster[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()])
  await expect(cluster.listen()).rejects.toThrow('this control plane was closed')
  await expect(cluster.client.list(Pod)).rejects.toThrow('this control plane was closed')
})
