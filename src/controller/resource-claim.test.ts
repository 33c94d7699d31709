import { afterEach, expect, it } from 'vitest'
import { Pod, ResourceClaim } from '../models/kinds/index.ts'
import { resourceClaimReconciler } from './resource-claim.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

const namespace = 'default'
const key = { namespace, name: 'gpu' }
const protection = 'resource.kubernetes.io/delete-protection'
const allocation = { devices: { results: [{ request: 'r', driver: 'gpu.test', pool: 'p', device: 'd0' }] } }

async function start(): Promise<void> {
  cluster = await startTestCluster({
    reconcilers: [resourceClaimReconciler()],
    fate: pod => (pod.metadata.name === 'ended' ? 'succeeded' : 'ready'),
  })
}

const podNamed = (name: string) =>
  cluster.client.create(Pod, {
    metadata: { namespace, name },
    spec: { nodeName: 'node-0', containers: [{ name: 'm', image: 'i' }] },
  })

/** A claim that has its device, for these pods. */
async function claimFor(pods: Pod[]): Promise<void> {
  const claim = await cluster.client.create(ResourceClaim, {
    metadata: key,
    spec: { devices: { requests: [{ name: 'r', deviceClassName: 'gpu' }] } },
  })
  const reservedFor = pods.map(({ metadata }) => ({ resource: 'pods', name: metadata.name, uid: metadata.uid! }))
  await cluster.client.updateStatus(ResourceClaim, { ...claim, status: { allocation, reservedFor } })
  await cluster.client.patch(ResourceClaim, key, { type: 'merge', body: { metadata: { finalizers: [protection] } } })
}

const claim = () => cluster.client.get(ResourceClaim, key)
const users = async () => (await claim()).status?.reservedFor?.map(user => user.name)

it('a claim is kept for the pods that run, and given up by those that ended or are gone', async () => {
  await start()
  const [running, ended, gone] = [await podNamed('running'), await podNamed('ended'), await podNamed('gone')]
  await claimFor([running, ended, gone])
  await cluster.client.delete(Pod, { namespace, name: 'gone' }, { gracePeriodSeconds: 0 })
  await cluster.until(async () => JSON.stringify(await users()) === '["running"]', 10_000, claim)
  expect((await claim()).status).toMatchObject({ allocation })
  await cluster.client.delete(Pod, { namespace, name: 'running' }, { gracePeriodSeconds: 0 })
  await cluster.until(async () => !(await claim()).status?.allocation, 10_000, claim)
  expect((await claim()).metadata.finalizers).toBeUndefined()
})

it('a pod of the same name that came later is not the one that the claim is kept for', async () => {
  await start()
  const first = await podNamed('web')
  await cluster.client.delete(Pod, { namespace, name: 'web' }, { gracePeriodSeconds: 0 })
  await podNamed('web')
  await claimFor([first])
  await cluster.until(async () => !(await claim()).status?.allocation, 10_000, claim)
})

it('one that is deleted before anybody used it goes, with its device', async () => {
  await start()
  await claimFor([])
  await cluster.pass(2_000)
  expect((await claim()).status).toMatchObject({ allocation })
  await cluster.client.delete(ResourceClaim, key)
  const there = async () => (await cluster.client.list(ResourceClaim, { namespace })).items
  await cluster.until(async () => (await there()).length === 0, 10_000, there)
})

it('a claim that is about to get its devices keeps its protection, which is written before them', async () => {
  await start()
  const early = { namespace, name: 'early' }
  await cluster.client.create(ResourceClaim, {
    metadata: early,
    spec: { devices: { requests: [{ name: 'r', deviceClassName: 'gpu' }] } },
  })
  await cluster.client.patch(ResourceClaim, early, { type: 'merge', body: { metadata: { finalizers: [protection] } } })
  // One that was looked at later is through.
  await claimFor([await podNamed('ended')])
  await cluster.until(async () => !(await claim()).status?.allocation, 10_000, claim)
  expect((await cluster.client.get(ResourceClaim, early)).metadata.finalizers).toEqual([protection])
  await cluster.client.delete(ResourceClaim, early)
  await cluster.until(async () => (await cluster.client.list(ResourceClaim, { namespace })).items.length < 2, 10_000)
})
