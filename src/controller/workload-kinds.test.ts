import { afterEach, expect, it } from 'vitest'
import type { Reconciler } from '../client/index.ts'
import { Job, Pod, ReplicaSet, ReplicationController, ResourceQuota, StatefulSet } from '../models/kinds/index.ts'
import { jobReconciler } from './job.ts'
import { replicaSetReconciler, replicationControllerReconciler } from './replica-set.ts'
import { resourceQuotaReconciler } from './resource-quota.ts'
import { statefulSetReconciler } from './stateful-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'

/** What the conformance suite's [sig-apps] specs look at step by step, where no other test does. */

let cluster: TestCluster
let fate: PodFate
afterEach(() => cluster?.[Symbol.asyncDispose]())

async function start(...reconcilers: Reconciler[]): Promise<void> {
  fate = 'ready'
  cluster = await startTestCluster({ reconcilers, fate: () => fate })
}

const namespace = 'default'
const labels = { app: 'ss' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } }
const key = { namespace, name: 'ss' }
const names = async () =>
  (await cluster.client.list(Pod, { namespace })).items
    .filter(p => !p.metadata.deletionTimestamp)
    .map(p => p.metadata.name)
    .sort()
/** All pods meet this fate from now on. */
async function befall(next: PodFate): Promise<void> {
  fate = next
  for (const { metadata } of (await cluster.client.list(Pod, { namespace })).items)
    await cluster.client.patch(
      Pod,
      { namespace, name: metadata.name },
      { type: 'merge', body: { metadata: { annotations: { now: next } } } },
    )
}

it.each([
  ['OrderedReady', ['ss-0'], ['ss-0', 'ss-1', 'ss-2']],
  ['Parallel', ['ss-0', 'ss-1', 'ss-2'], []],
] as const)('a StatefulSet with %s and unwell pods grows to %j and shrinks to %j', async (policy, grown, shrunk) => {
  await start(statefulSetReconciler())
  await cluster.client.create(StatefulSet, {
    metadata: key,
    spec: {
      ...{ replicas: 1, serviceName: 'ss', selector: { matchLabels: labels }, template },
      podManagementPolicy: policy,
    },
  })
  const status = async () => (await cluster.client.get(StatefulSet, key)).status
  const ready = (n: number) => async () => ((await status())?.readyReplicas ?? 0) === n
  const scale = (replicas: number) =>
    cluster.client.patch(StatefulSet, key, { type: 'merge', body: { spec: { replicas } } })
  await cluster.until(ready(1))
  await befall('running')
  await cluster.until(ready(0))
  await scale(3)
  await cluster.pass(10_000)
  expect(await names()).toEqual(grown)
  await befall('ready')
  await cluster.until(ready(3))
  await befall('running')
  await cluster.until(ready(0))
  await scale(0)
  await cluster.pass(10_000)
  expect(await names()).toEqual(shrunk)
  await befall('ready')
  await cluster.until(async () => (await names()).length === 0)
  await cluster.until(async () => !(await status())?.replicas)
})

it.each([
  [ReplicaSet, replicaSetReconciler, { matchLabels: labels }],
  [ReplicationController, replicationControllerReconciler, labels],
] as const)(
  'a %o beyond its quota says so, and no longer when it asks for less',
  async (kind, reconciler, selector) => {
    await start(reconciler(), resourceQuotaReconciler())
    const hard = { pods: '2' }
    await cluster.client.create(ResourceQuota, { metadata: key, spec: { hard } })
    await cluster.until(async () => !!(await cluster.client.get(ResourceQuota, key)).status?.hard)
    const owner = kind as typeof ReplicaSet
    await cluster.client.create(owner, { metadata: key, spec: { replicas: 3, selector: selector as any, template } })
    const failure = async () =>
      (await cluster.client.get(owner, key)).status?.conditions?.find(c => c.type === 'ReplicaFailure')
    await cluster.until(async () => (await failure())?.status === 'True')
    expect(await failure()).toMatchObject({
      reason: 'FailedCreate',
      message: expect.stringContaining('exceeded quota'),
    })
    await cluster.client.patch(owner, key, { type: 'merge', body: { spec: { replicas: 2 } } })
    await cluster.until(async () => (await failure()) === undefined && (await names()).length === 2)
  },
)

it('a Job lets go of a pod whose labels are changed, and takes it back as its own', async () => {
  await start(jobReconciler())
  const spec = { ...template.spec, restartPolicy: 'Never' as const }
  await cluster.client.create(Job, { metadata: key, spec: { parallelism: 2, template: { ...template, spec } } })
  const active = async () => (await cluster.client.get(Job, key)).status?.active
  await cluster.until(async () => (await active()) === 2)
  const pod = { namespace, name: (await names())[0]! }
  const read = async () => (await cluster.client.get(Pod, pod)).metadata
  const before = (await read()).labels!

  // As somebody who takes the owner away: the labels still match, and it is adopted again.
  await cluster.client.patch(Pod, pod, { type: 'merge', body: { metadata: { ownerReferences: null } } })
  await cluster.until(async () => (await read()).ownerReferences?.[0]?.name === 'ss')

  // As somebody who takes the labels away: it is released, and another one takes its place.
  const none = Object.fromEntries(Object.keys(before).map(name => [name, null]))
  await cluster.client.patch(Pod, pod, { type: 'merge', body: { metadata: { labels: none } } })
  await cluster.until(async () => !(await read()).ownerReferences?.length)
  expect((await read()).finalizers).toBeUndefined()
  await cluster.until(async () => (await active()) === 2 && (await names()).length === 3)
})
