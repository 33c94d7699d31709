import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ConfigMap,
  Deployment,
  Event,
  HorizontalPodAutoscaler,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Workload,
} from '../models/kinds/index.ts'
import { deploymentReconciler } from './deployment.ts'
import { horizontalPodAutoscalerReconciler } from './horizontal-pod-autoscaler.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'
import { workloadReconciler } from './workload.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate
let usage = 0

beforeEach(async () => {
  fate = () => 'ready'
  const metrics = {
    resource: async () =>
      new Map(
        (await cluster.client.list(Pod, { namespace: 'default' })).items.map(p => [
          p.metadata.name,
          { value: usage, atMs: cluster.clock.now(), windowMs: 30_000 },
        ]),
      ),
    pods: async () => new Map(),
    object: async () => 0,
    external: async () => [],
  }
  cluster = await startTestCluster({
    reconcilers: [
      workloadReconciler(),
      deploymentReconciler(),
      replicaSetReconciler(),
      horizontalPodAutoscalerReconciler({ metrics }),
    ],
    fate: pod => fate(pod),
  })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'shop' }
const create = (spec: Partial<Workload['spec']>) =>
  cluster.client.create(Workload, { metadata: key, spec: { image: 'shop:1', replicas: 2, ...spec } })
const get = () => cluster.client.get(Workload, key)
const deployment = () => cluster.client.get(Deployment, key)
const patch = (spec: object) => cluster.client.patch(Workload, key, { type: 'merge', body: { spec } })
const image = async () => (await deployment()).spec.template.spec!.containers[0]!.image
const revision = async () => (await deployment()).metadata.annotations?.['deployment.kubernetes.io/revision']
const isReady = async () => {
  const { status, metadata } = await get()
  const ready = status?.conditions?.find(c => c.type === 'Ready')?.status === 'True'
  return ready && status?.observedGeneration === metadata.generation
}

describe('a Workload that reads configuration', () => {
  const config = { namespace: 'default', name: 'config' }
  const secret = { namespace: 'default', name: 'secret' }
  const change = (kind: typeof ConfigMap | typeof Secret, of: typeof config, body: object) =>
    cluster.client.patch(kind as typeof ConfigMap, of, { type: 'merge', body })
  const reads: Partial<Workload['spec']> = {
    envFrom: [{ configMapRef: { name: 'config' } }],
    volumes: [{ name: 'key', mountPath: '/key', secret: { secretName: 'secret' } }],
  }
  beforeEach(async () => {
    await cluster.client.create(ConfigMap, { metadata: config, data: { a: '1' } })
    await cluster.client.create(Secret, { metadata: secret, stringData: { a: '1' } })
  })

  it('is rolled out anew when a ConfigMap or a Secret changes, and not when only their labels do', async () => {
    await create(reads)
    await cluster.until(isReady, 20_000, get)
    expect(await revision()).toBe('1')
    await change(ConfigMap, config, { metadata: { labels: { a: 'b' } } })
    await cluster.pass(5_000)
    expect(await revision()).toBe('1')
    await change(ConfigMap, config, { data: { a: '2' } })
    await cluster.until(async () => (await revision()) === '2', 20_000, get)
    await change(Secret, secret, { data: { a: 'Mg==' } })
    await cluster.until(async () => (await revision()) === '3', 20_000, get)
    await cluster.until(isReady, 20_000, get)
  })

  it('keeps its pods when the configuration is deleted, or when it does not want to be restarted', async () => {
    await create(reads)
    await cluster.until(isReady, 20_000, get)
    await cluster.client.delete(ConfigMap, config)
    await cluster.pass(5_000)
    expect(await revision()).toBe('1')
    await patch({ restartOnConfigChange: false })
    await cluster.until(async () => (await revision()) === '2', 20_000, get)
    await change(Secret, secret, { data: { a: 'Mg==' } })
    await cluster.pass(5_000)
    expect(await revision()).toBe('2')
  })
})

describe('a Workload that goes back by itself', () => {
  const bad = (pod: Pod): PodFate => (pod.spec.containers[0]!.image === 'shop:bad' ? 'running' : 'ready')
  const update = { autoRollback: true, readyWithinSeconds: 30 }

  it('runs what last worked when new pods are not ready in time, says so, and tries what is asked for next', async () => {
    await create({ update })
    await cluster.until(isReady, 20_000, get)
    fate = bad
    await patch({ image: 'shop:bad' })
    await cluster.until(async () => (await image()) === 'shop:bad')
    await cluster.until(async () => (await image()) === 'shop:1', 120_000, get)
    await cluster.until(isReady, 20_000, get)
    const { status, spec } = await get()
    expect(spec.image).toBe('shop:bad')
    expect(status!.message).toBe('2 of 2 ready; rolled back, shop:bad made no progress for 30 s')
    expect(status!.conditions).toContainEqual(
      expect.objectContaining({ type: 'RolledBack', status: 'True', reason: 'NotReadyInTime' }),
    )
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.map(e => e.reason)).toContain('RolledBack')

    // A new size is no new try, another image is.
    await patch({ replicas: 3 })
    await cluster.until(async () => (await get()).status?.readyReplicas === 3, 20_000, get)
    await cluster.pass(120_000)
    expect(await image()).toBe('shop:1')
    await patch({ image: 'shop:2' })
    await cluster.until(async () => (await image()) === 'shop:2' && (await isReady()), 20_000, get)
    const after = (await get()).status!
    expect(after.message).toMatch(/^3 of 3 ready, watched until 2026-01-01T00:0\d:\d\dZ$/)
    await cluster.until(async () => (await get()).status!.message === '3 of 3 ready', 70_000, get)
    expect(after.conditions!.find(c => c.type === 'RolledBack')!.status).toBe('False')
  })

  it('does not go back unless it is told to, nor from its first form', async () => {
    fate = bad
    await create({ image: 'shop:bad', update })
    await cluster.pass(90_000)
    expect(await image()).toBe('shop:bad')
    await patch({ image: 'shop:1', update: { autoRollback: false } })
    await cluster.until(isReady, 60_000, get)
    await patch({ image: 'shop:bad' })
    await cluster.pass(90_000)
    expect(await image()).toBe('shop:bad')
    expect((await get()).status!.conditions!.find(c => c.type === 'RolledBack')).toBeUndefined()
  })
})

describe('a Workload that needs others', () => {
  const other = (name: string, dependsOn: string[] = []) =>
    cluster.client.create(Workload, { metadata: { ...key, name }, spec: { image: `${name}:1`, dependsOn } })
  const started = () =>
    deployment().then(
      () => true,
      () => false,
    )

  it('starts when they are ready, says what it waits for, and then runs on without them', async () => {
    fate = pod => (pod.spec.containers[0]!.image === 'db:1' ? 'running' : 'ready')
    await create({ dependsOn: ['db'] })
    await cluster.until(async () => (await get()).status?.message === 'waits for db: there is no such Workload')
    await other('db')
    await cluster.until(async () => (await get()).status?.message === 'waits for db: starting: 0 of 1 ready')
    expect(await started()).toBe(false)
    fate = () => 'ready'
    const { items } = await cluster.client.list(Pod, { namespace: 'default' })
    for (const { metadata } of items)
      await cluster.client.patch(
        Pod,
        { ...key, name: metadata.name },
        { type: 'merge', body: { metadata: { annotations: { poke: '1' } } } },
      )
    await cluster.until(isReady, 20_000, get)
    await cluster.client.delete(Workload, { ...key, name: 'db' })
    await patch({ image: 'shop:2' })
    await cluster.until(async () => (await image()) === 'shop:2' && (await isReady()), 20_000, get)
  })

  it('says when they need each other', async () => {
    await other('a', ['shop'])
    await create({ dependsOn: ['a'] })
    const circle = 'never starts, dependsOn goes in a circle: shop → a → shop; take one of them out'
    await cluster.until(async () => (await get()).status?.message === circle, 10_000, get)
  })
})

it('a volume with a size is a claim that outlives the Workload', async () => {
  const claim = { ...key, name: 'shop-data' }
  await create({ volumes: [{ name: 'data', mountPath: '/data', size: '1Gi' }] })
  await cluster.until(isReady, 20_000, get)
  const { spec, metadata } = await cluster.client.get(PersistentVolumeClaim, claim)
  expect([spec!.resources!.requests, metadata.ownerReferences]).toEqual([{ storage: '1Gi' }, undefined])
  const { volumes } = (await deployment()).spec.template.spec!
  expect(volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'shop-data' } }])
  await expect(patch({ volumes: [{ name: 'data', mountPath: '/data', size: '0' }] })).rejects.toThrow(
    'spec.volumes[0].size: Invalid value: "0": must be greater than zero',
  )
})

it('a Workload with an autoscale block is sized by what its pods use', async () => {
  usage = 90
  await create({
    replicas: 1,
    autoscale: { maxReplicas: 3, memoryPercent: 50 },
    resources: { requests: { memory: '100' } },
  })
  await cluster.until(async () => (await get()).status?.readyReplicas === 3, 120_000, get)
  expect((await get()).spec.replicas).toBe(3)
  await patch({ autoscale: null })
  const gone = () =>
    cluster.client.get(HorizontalPodAutoscaler, key).then(
      () => false,
      () => true,
    )
  await cluster.until(gone)
  expect((await deployment()).spec.replicas).toBe(3)
})
