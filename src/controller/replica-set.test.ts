import { afterEach, describe, expect, it } from 'vitest'
import type { Client } from '../client/client.ts'
import { ApiError } from '../models/api-error.ts'
import { Event, Pod, ReplicaSet, ReplicationController } from '../models/kinds/index.ts'
import type { Draft } from '../models/object.ts'
import { replicaSetReconciler, replicationControllerReconciler } from './replica-set.ts'
import { startTestCluster, type TestCluster, type TestClusterOptions } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

const start = async (options: Partial<TestClusterOptions> = {}) => {
  cluster = await startTestCluster({
    reconcilers: [replicaSetReconciler(), replicationControllerReconciler()],
    ...options,
  })
}

const key = { namespace: 'default', name: 'web' }
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'app:1' }] } }
const web = (spec: Partial<ReplicaSet['spec']> = {}): Draft<ReplicaSet> => ({
  metadata: key,
  spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template, ...spec },
})
const get = () => cluster.client.get(ReplicaSet, key)
const pods = async () => (await cluster.client.list(Pod, { namespace: 'default' })).items
const alive = async () => (await pods()).filter(p => !p.metadata.deletionTimestamp)
const podDraft = (name: string, labels: Record<string, string>): Draft<Pod> => ({
  metadata: { namespace: 'default', name, labels },
  spec: template.spec,
})
const scale = (replicas: number) =>
  cluster.client.patch(ReplicaSet, key, { type: 'merge', body: { spec: { replicas } } })
const settled = (n: number) => async () => {
  const { status } = await get()
  return status?.replicas === n && (status.availableReplicas ?? 0) === n
}

describe('a ReplicaSet', () => {
  it('has as many pods as it asks for, up and down', async () => {
    await start()
    await cluster.client.create(ReplicaSet, web())
    await cluster.until(settled(3), 10_000, get)
    await scale(7)
    await cluster.until(settled(7), 10_000, get)
    await scale(2)
    await cluster.until(settled(2), 10_000, get)
    expect(await alive()).toHaveLength(2)
    expect((await get()).status).toEqual({
      replicas: 2,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      observedGeneration: 3,
    })
  })

  it('replaces pods that are deleted or fail', async () => {
    const failing = new Set<string>()
    await start({ fate: pod => (failing.has(pod.metadata.name) ? 'failed' : 'ready') })
    await cluster.client.create(ReplicaSet, web())
    await cluster.until(settled(3))
    const [first, second] = await pods()
    await cluster.client.delete(Pod, { ...key, name: first!.metadata.name })
    failing.add(second!.metadata.name)
    await cluster.client.patch(
      Pod,
      { ...key, name: second!.metadata.name },
      { type: 'merge', body: { metadata: { annotations: { poke: '1' } } } },
    )
    await cluster.until(async () => (await alive()).filter(p => p.status?.phase === 'Running').length === 3)
    await cluster.until(settled(3))
  })

  it('adopts matching orphans and releases pods whose labels change', async () => {
    await start()
    await cluster.client.create(Pod, podDraft('stray', { app: 'web' }))
    await cluster.client.create(ReplicaSet, web())
    await cluster.until(settled(3))
    expect(await pods()).toHaveLength(3)
    const stray = await cluster.client.get(Pod, { ...key, name: 'stray' })
    expect(stray.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'web',
        uid: (await get()).metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ])
    await cluster.client.patch(
      Pod,
      { ...key, name: 'stray' },
      { type: 'merge', body: { metadata: { labels: { app: 'other' } } } },
    )
    await cluster.until(
      async () => {
        const now = await pods()
        return now.length === 4 && !now.find(p => p.metadata.name === 'stray')!.metadata.ownerReferences?.length
      },
      20_000,
      async () => (await pods()).map(p => [p.metadata.name, p.metadata.labels, p.metadata.ownerReferences, p.status]),
    )
  })

  it('hears of an orphan that comes while it rests', async () => {
    await start()
    await cluster.client.create(ReplicaSet, web({ replicas: 2 }))
    await cluster.until(settled(2), 10_000, get)
    await cluster.client.create(Pod, podDraft('stray', { app: 'web' }))
    const adopted = async () =>
      (await alive()).length === 2 && (await alive()).every(pod => pod.metadata.ownerReferences)
    await cluster.until(adopted, 10_000, pods)
  })

  it('counts a pod as available only after minReadySeconds, without being told', async () => {
    await start()
    await cluster.client.create(ReplicaSet, web({ minReadySeconds: 30 }))
    await cluster.until(async () => (await get()).status?.readyReplicas === 3)
    expect((await get()).status!.availableReplicas ?? 0).toBe(0)
    await cluster.pass(25_000)
    expect((await get()).status!.availableReplicas ?? 0).toBe(0)
    await cluster.pass(8_000)
    expect((await get()).status!.availableReplicas).toBe(3)
  })

  it('says why pods cannot be created, in small steps, and goes on when they can', async () => {
    let refused = 0
    let refuse = true
    const wrapClient = (client: Client): Client => ({
      ...client,
      async create(kind, draft, options) {
        if (refuse && (kind as unknown) === Pod) {
          refused++
          throw new ApiError('Forbidden', 'pods "x" is forbidden: exceeded quota: small')
        }
        return client.create(kind, draft, options)
      },
    })
    await start({ wrapClient })
    await cluster.client.create(ReplicaSet, web({ replicas: 100 }))
    await cluster.until(async () => !!(await get()).status?.conditions?.length)
    expect((await get()).status!.conditions).toMatchObject([
      {
        type: 'ReplicaFailure',
        status: 'True',
        reason: 'FailedCreate',
        message: 'pods "x" is forbidden: exceeded quota: small',
      },
    ])
    expect(refused).toBeLessThan(20)
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.map(e => `${e.source?.component}: ${e.type} ${e.reason} ${e.message}`)).toContain(
      'replicaset-controller: Warning FailedCreate Error creating: pods "x" is forbidden: exceeded quota: small',
    )
    refuse = false
    await cluster.until(settled(100), 120_000, get)
    await cluster.until(async () => !(await get()).status?.conditions?.length)
    expect(await pods()).toHaveLength(100)
  })

  it('makes no pod twice while the cache lags behind its own writes', async () => {
    // Watch events reach the controllers seconds after the writes.
    let created = 0
    const wrapClient = (client: Client): Client => ({
      ...client,
      async create(kind, draft, options) {
        if ((kind as unknown) === Pod) created++
        return client.create(kind, draft, options)
      },
    })
    await start({ wrapClient, watchDelayMs: 3_000 })
    await cluster.client.create(ReplicaSet, web({ replicas: 10 }))
    for (let i = 0; i < 40; i++) {
      cluster.runner.enqueue('replica-set', 'default/web')
      await cluster.pass(250)
    }
    await cluster.until(settled(10))
    expect([created, (await pods()).length]).toEqual([10, 10])
  })

  it('asks the server before it acts on a cache from before a crash', async () => {
    await start()
    await cluster.client.create(ReplicaSet, web({ replicas: 5 }))
    await cluster.until(settled(5))
    // A second controller whose view of pods never gets anything: what a stale server shows after a restart.
    const [owner] = [await get()]
    const fresh = replicaSetReconciler()
    let created = 0
    const client: Client = {
      ...cluster.client,
      async create(kind, draft, options) {
        created++
        return cluster.client.create(kind, draft, options)
      },
    }
    const nothing = {
      get: (kind: unknown) => (kind === ReplicaSet ? owner : undefined),
      list: () => [],
      ownedBy: () => [],
      orphans: () => [],
      byIndex: () => [],
    }
    await fresh.reconcile(key, {
      cache: nothing as never,
      client,
      events: { normal() {}, warning() {}, flush: async () => {} },
      clock: cluster.clock,
      random: undefined as never,
      log: undefined as never,
      signal: new AbortController().signal,
    })
    expect(created).toBe(0)
  })
})

it('a ReplicationController does the same with its plain selector', async () => {
  await start()
  await cluster.client.create(ReplicationController, {
    metadata: key,
    spec: { replicas: 2, selector: { app: 'web' }, template },
  })
  await cluster.until(
    async () => (await cluster.client.get(ReplicationController, key)).status?.availableReplicas === 2,
  )
  expect((await pods()).map(p => p.metadata.ownerReferences![0]!.kind)).toEqual([
    'ReplicationController',
    'ReplicationController',
  ])
})

it('whose selector does not fit its template makes nothing, and says so', async () => {
  // The server refuses such an object, but a stored one may be damaged.
  await start()
  const statuses: unknown[] = []
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { ...key, uid: 'u1', resourceVersion: '1', generation: 1 },
    spec: { ...web().spec, selector: {} },
  } as ReplicaSet
  const refuse = () => Promise.reject(new Error('wrote'))
  await replicaSetReconciler().reconcile(key, {
    cache: {
      get: () => owner,
      ownedBy: () => [],
      orphans: () => [podDraft('stray', { app: 'web' })],
      list: () => [],
      byIndex: () => [],
    } as never,
    client: {
      create: refuse,
      patch: refuse,
      delete: refuse,
      async updateStatus(_: unknown, { status }: ReplicaSet) {
        statuses.push(status)
      },
    } as never,
    events: { normal() {}, warning() {}, flush: async () => {} },
    clock: cluster.clock,
    random: undefined as never,
    log: undefined as never,
    signal: new AbortController().signal,
  })
  expect(statuses).toMatchObject([
    { replicas: 0, conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }] },
  ])
})
