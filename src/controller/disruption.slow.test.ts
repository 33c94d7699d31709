import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Deployment, Event, Pod, PodDisruptionBudget } from '../models/kinds/index.ts'
import type { PodDisruptionBudgetSpec } from '../models/types/policy-v1.ts'
import { deploymentReconciler } from './deployment.ts'
import { disruptionReconciler } from './disruption.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { staleDisruptionReconciler } from './stale-disruption.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
/** What creates of pods end with, when it is given. */
let refused: Error | undefined
const key = { namespace: 'default', name: 'web' }
const labels = { app: 'web' }

beforeEach(async () => {
  refused = undefined
  cluster = await startTestCluster({
    reconcilers: [disruptionReconciler(), staleDisruptionReconciler(), deploymentReconciler(), replicaSetReconciler()],
    wrapClient: client => ({
      ...client,
      create: (kind, draft) => (refused && kind.kind === 'Pod' ? Promise.reject(refused) : client.create(kind, draft)),
    }),
  })
  await cluster.client.create(Deployment, {
    metadata: key,
    spec: {
      replicas: 10,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'm', image: 'i' }] } },
    },
  })
  await cluster.until(async () => (await cluster.client.get(Deployment, key)).status?.availableReplicas === 10)
})
afterEach(() => cluster[Symbol.asyncDispose]())

const create = (spec: PodDisruptionBudgetSpec) =>
  cluster.client.create(PodDisruptionBudget, { metadata: key, spec: { selector: { matchLabels: labels }, ...spec } })
const status = async () => (await cluster.client.get(PodDisruptionBudget, key)).status
const counts = async () => {
  const s = await status()
  return s && [s.expectedPods, s.currentHealthy, s.desiredHealthy, s.disruptionsAllowed]
}

describe('a disruption budget', () => {
  it.each([
    [{ minAvailable: 8 }, [10, 10, 8, 2]],
    [{ minAvailable: '75%' }, [10, 10, 8, 2]],
    [{ maxUnavailable: 3 }, [10, 10, 7, 3]],
    [{ maxUnavailable: '15%' }, [10, 10, 8, 2]],
    [{ minAvailable: 10 }, [10, 10, 10, 0]],
  ] as [PodDisruptionBudgetSpec, number[]][])('of %j allows what is left', async (spec, expected) => {
    await create(spec)
    await cluster.until(async () => JSON.stringify(await counts()) === JSON.stringify(expected), 10_000, counts)
    const [condition] = (await status())!.conditions!
    const allowed = expected[3]! > 0
    expect([condition!.type, condition!.status, condition!.reason]).toEqual([
      'DisruptionAllowed',
      allowed ? 'True' : 'False',
      allowed ? 'SufficientPods' : 'InsufficientPods',
    ])
  })

  it.each([
    [{ maxUnavailable: '20%' }, 'grows', 20, [20, 20, 16, 4]],
    [{ minAvailable: '50%' }, 'shrinks', 4, [4, 4, 2, 2]],
  ] as const)('of %j is counted anew when what it protects %s', async (spec, _, replicas, expected) => {
    await create(spec)
    await cluster.until(async () => (await status())?.expectedPods === 10)
    await cluster.client.patch(Deployment, key, { type: 'merge', body: { spec: { replicas } } })
    await cluster.until(async () => JSON.stringify(await counts()) === JSON.stringify(expected), 20_000, counts)
  })

  it('is counted anew for a new size although no pod of it ever comes', async () => {
    await create({ maxUnavailable: '50%' })
    await cluster.until(async () => (await status())?.expectedPods === 10)
    refused = new Error('no more')
    await cluster.client.patch(Deployment, key, { type: 'merge', body: { spec: { replicas: 20 } } })
    await cluster.until(async () => (await counts())?.join() === '20,10,10,0', 20_000, counts)
  })

  it('counts a pod whose eviction was allowed as gone, for two minutes', async () => {
    await create({ minAvailable: 8 })
    await cluster.until(async () => (await status())?.disruptionsAllowed === 2)
    const [pod] = (await cluster.client.list(Pod, { namespace: 'default' })).items
    const budget = await cluster.client.get(PodDisruptionBudget, key)
    const disruptedPods = { [pod!.metadata.name]: `${new Date(cluster.clock.now()).toISOString().slice(0, 19)}Z` }
    await cluster.client.updateStatus(PodDisruptionBudget, {
      ...budget,
      status: { ...budget.status!, disruptionsAllowed: 1, disruptedPods },
    })
    await cluster.until(async () => (await counts())?.join() === '10,9,8,1', 10_000, counts)
    await cluster.pass(100_000)
    expect(await counts()).toEqual([10, 9, 8, 1])
    await cluster.pass(30_000)
    expect(await counts()).toEqual([10, 10, 8, 2])
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.filter(e => e.reason === 'NotDeleted').map(e => [e.involvedObject.name, e.message])).toEqual([
      [pod!.metadata.name, "Pod was expected by PDB default/web to be deleted but it wasn't"],
    ])
  })
})

it('what was announced to a pod and not done is taken back after two minutes, but not what its node announces', async () => {
  const [evicted, shutDown] = (await cluster.client.list(Pod, { namespace: 'default' })).items
  const announce = (pod: Pod, reason: string) => {
    const now = new Date(cluster.clock.now()).toISOString()
    const condition = { type: 'DisruptionTarget', status: 'True', reason, message: 'going', lastTransitionTime: now }
    const conditions = [...(pod.status?.conditions ?? []), condition]
    return cluster.client.updateStatus(Pod, { ...pod, status: { ...pod.status, conditions } })
  }
  await announce(evicted!, 'EvictionByEvictionAPI')
  await announce(shutDown!, 'TerminationByKubelet')
  const target = async ({ metadata: { name } }: Pod) =>
    (await cluster.client.get(Pod, { namespace: 'default', name })).status!.conditions!.find(
      c => c.type === 'DisruptionTarget',
    )!.status
  await cluster.pass(110_000)
  expect([await target(evicted!), await target(shutDown!)]).toEqual(['True', 'True'])
  await cluster.pass(15_000)
  expect([await target(evicted!), await target(shutDown!)]).toEqual(['False', 'True'])
})
