import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { seededRandom } from '../base/random.ts'
import { defineKind } from '../models/kind.ts'
import {
  ConfigMap,
  CustomResourceDefinition,
  Deployment,
  Event,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
} from '../models/kinds/index.ts'
import type { ObjectMeta, OwnerReference } from '../models/types/meta-v1.ts'
import { deploymentReconciler } from './deployment.ts'
import { createGarbageCollector, type GarbageCollector } from './garbage-collector.ts'
import { namespaceReconciler } from './namespace.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
let collector: GarbageCollector

beforeEach(async () => {
  cluster = await startTestCluster({
    reconcilers: [deploymentReconciler(), replicaSetReconciler(), namespaceReconciler()],
  })
  const { client, informers, clock } = cluster
  collector = createGarbageCollector({ client, informers, clock, random: seededRandom(1), log: silentLogger })
  const starting = collector.start()
  await cluster.pass(100)
  await starting
})
afterEach(async () => {
  await collector.stop()
  await cluster[Symbol.asyncDispose]()
})

const ns = 'default'
const create = (name: string, owners: OwnerReference[] = [], more: Partial<ObjectMeta> = {}) =>
  cluster.client.create(ConfigMap, {
    metadata: { namespace: ns, name, ...(owners.length ? { ownerReferences: owners } : {}), ...more },
  })
const ref = (o: { apiVersion: string; kind: string; metadata: ObjectMeta }, block = false): OwnerReference => ({
  apiVersion: o.apiVersion,
  kind: o.kind,
  name: o.metadata.name,
  uid: o.metadata.uid,
  ...(block ? { blockOwnerDeletion: true } : {}),
})
const names = async () =>
  (await cluster.client.list(ConfigMap, { namespace: ns })).items.map(o => o.metadata.name).sort()
const remove = (name: string, propagationPolicy?: 'Background' | 'Foreground' | 'Orphan') =>
  cluster.client.delete(ConfigMap, { namespace: ns, name }, propagationPolicy ? { propagationPolicy } : {})
const get = (name: string) => cluster.client.get(ConfigMap, { namespace: ns, name })

describe('deleting an owner', () => {
  it('in the background deletes all below it, level by level', async () => {
    const a = await create('a')
    const b = await create('b', [ref(a)])
    await create('c', [ref(b)])
    await create('free')
    await remove('a')
    await cluster.until(async () => (await names()).join() === 'free', 5_000, names)
  })

  it('leaves an object that has another owner, without the reference', async () => {
    const [a, b] = [await create('a'), await create('b')]
    await create('shared', [ref(a), ref(b)])
    await remove('a')
    await cluster.until(async () => (await get('shared')).metadata.ownerReferences!.length === 1, 5_000)
    expect((await get('shared')).metadata.ownerReferences).toEqual([ref(b)])
    await remove('b')
    await cluster.until(async () => (await names()).length === 0, 5_000, names)
  })

  it('with Orphan lets its dependents live, without owner', async () => {
    const a = await create('a')
    await create('b', [ref(a)])
    await cluster.pass(200)
    await remove('a', 'Orphan')
    await cluster.until(async () => (await names()).join() === 'b', 5_000, names)
    expect((await get('b')).metadata.ownerReferences ?? []).toEqual([])
  })

  it('in the foreground waits for dependents that block it, and them alone', async () => {
    const a = await create('a')
    await create('blocking', [ref(a, true)], { finalizers: ['example.com/hold'] })
    await create('other', [ref(a)], { finalizers: ['example.com/hold'] })
    await cluster.pass(200)
    await remove('a', 'Foreground')
    await cluster.until(async () => !!(await get('blocking')).metadata.deletionTimestamp, 5_000)
    expect((await get('a')).metadata).toMatchObject({ finalizers: ['foregroundDeletion'] })
    await cluster.client.patch(
      ConfigMap,
      { namespace: ns, name: 'blocking' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await cluster.until(async () => (await names()).join() === 'other', 5_000, names)
  })

  it('gets through a circle', async () => {
    const a = await create('a')
    const b = await create('b', [ref(a, true)])
    const c = await create('c', [ref(b, true)])
    await cluster.client.patch(
      ConfigMap,
      { namespace: ns, name: 'a' },
      { type: 'merge', body: { metadata: { ownerReferences: [ref(c, true)] } } },
    )
    await cluster.pass(200)
    await remove('a', 'Foreground')
    await cluster.until(async () => (await names()).length === 0, 10_000, names)
  })

  it('of a Deployment, all its sets and pods go', async () => {
    const key = { namespace: ns, name: 'web' }
    const labels = { app: 'web' }
    await cluster.client.create(Deployment, {
      metadata: key,
      spec: {
        replicas: 20,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'm', image: 'i' }] } },
      },
    })
    await cluster.until(async () => (await cluster.client.list(Pod, { namespace: ns })).items.length === 20)
    await cluster.client.delete(Deployment, key, { propagationPolicy: 'Foreground' })
    const left = async () => [
      (await cluster.client.list(Deployment, { namespace: ns })).items.length,
      (await cluster.client.list(ReplicaSet, { namespace: ns })).items.length,
      (await cluster.client.list(Pod, { namespace: ns })).items.length,
    ]
    await cluster.until(async () => (await left()).join() === '0,0,0', 20_000, left)
  })
})

describe('an object whose owner', () => {
  it('never existed goes', async () => {
    await create('lost', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: 'no-such-uid' }])
    await cluster.until(async () => (await names()).length === 0, 5_000, names)
  })
  it('is another one of the same name goes', async () => {
    await create('a')
    await create('lost', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'older' }])
    await cluster.until(async () => (await names()).join() === 'a', 5_000, names)
  })
  it('is of a kind that is not served stays', async () => {
    await create('kept', [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 't', uid: 'x' }])
    await cluster.pass(10_000)
    expect(await names()).toEqual(['kept'])
  })
  it('is of a version that is not served stays', async () => {
    await create('kept', [{ apiVersion: 'apps/v7', kind: 'Deployment', name: 't', uid: 'x' }])
    await cluster.pass(10_000)
    expect(await names()).toEqual(['kept'])
  })
  it('lives in another namespace goes: there is no such owner here', async () => {
    await cluster.client.create(Namespace, { metadata: { name: 'other' }, spec: {} })
    const far = await cluster.client.create(ConfigMap, { metadata: { namespace: 'other', name: 'far' } })
    await create('lost', [ref(far)])
    await cluster.until(async () => (await names()).length === 0, 5_000, names)
    const { items } = await cluster.client.list(Event, { namespace: ns })
    expect(items.map(e => `${e.type} ${e.reason}: ${e.message}`)).toEqual([
      `Warning OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: default, name: far, uid: ${far.metadata.uid}] does not exist in namespace "default"`,
    ])
  })
  it('is in a namespace while it is not stays', async () => {
    const a = await create('a')
    await cluster.client.create(Node, { metadata: { name: 'n', ownerReferences: [ref(a)] }, spec: {} })
    await remove('a')
    await cluster.pass(5_000)
    expect((await cluster.client.list(Node)).items).toHaveLength(1)
  })
})

describe('a namespace', () => {
  it('with many objects is emptied and gone, and what was outside stays', async () => {
    await cluster.client.create(Namespace, { metadata: { name: 'big' }, spec: {} })
    for (let i = 0; i < 200; i++)
      await cluster.client.create(ConfigMap, { metadata: { namespace: 'big', name: `c${i}` } })
    await create('outside')
    await cluster.client.delete(Namespace, { name: 'big' })
    const there = () =>
      cluster.client.get(Namespace, { name: 'big' }).then(
        o => o,
        () => undefined,
      )
    await cluster.until(async () => !(await there()), 10_000, there)
    expect(await names()).toEqual(['outside'])
    expect((await cluster.client.list(ConfigMap, { namespace: 'big' })).items).toEqual([])
  })

  it('that something holds says what and by which finalizer, and goes when it is let go', async () => {
    await cluster.client.create(Namespace, { metadata: { name: 'held' }, spec: {} })
    const held = { namespace: 'held', name: 'c' }
    await cluster.client.create(ConfigMap, { metadata: { ...held, finalizers: ['example.com/hold'] } })
    await cluster.client.delete(Namespace, { name: 'held' })
    const status = async () => (await cluster.client.get(Namespace, { name: 'held' })).status
    await cluster.until(
      async () => ((await status())?.conditions ?? []).some(c => c.type === 'NamespaceContentRemaining'),
      10_000,
    )
    const { phase, conditions } = (await status())!
    expect(phase).toBe('Terminating')
    expect(conditions!.filter(c => c.status === 'True').map(c => [c.type, c.reason, c.message])).toEqual([
      [
        'NamespaceContentRemaining',
        'SomeResourcesRemain',
        'Some resources are remaining: configmaps. has 1 resource instances',
      ],
      [
        'NamespaceFinalizersRemaining',
        'SomeFinalizersRemain',
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ],
    ])
    await cluster.client.patch(ConfigMap, held, { type: 'merge', body: { metadata: { finalizers: null } } })
    await cluster.until(
      () =>
        cluster.client.get(Namespace, { name: 'held' }).then(
          () => false,
          () => true,
        ),
      10_000,
    )
  })
})

it('follows kinds that people define, soon after they do', async () => {
  const { client } = cluster
  const definition = {
    metadata: { name: 'toys.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced' as const,
      names: { plural: 'toys', kind: 'Toy' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  }
  await client.create(CustomResourceDefinition, definition)
  const Toy = defineKind({
    group: 'example.com',
    version: 'v1',
    kind: 'Toy',
    plural: 'toys',
    scope: 'Namespaced',
    schema: '',
  })
  await cluster.until(
    async () =>
      client.list(Toy).then(
        () => true,
        () => false,
      ),
    2_000,
  )
  const owner = await create('owner')
  await client.create(Toy, { metadata: { namespace: ns, name: 'toy', ownerReferences: [ref(owner)] } } as any)
  await remove('owner')
  await cluster.until(async () => (await client.list(Toy)).items.length === 0, 5_000)
})
