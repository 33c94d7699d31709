import { describe, expect, it } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import {
  Deployment,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../models/kinds/index.ts'
import type { OwnerReference } from '../models/types/meta-v1.ts'
import type { PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '../models/types/policy-v1.ts'
import { disruptionReconciler } from './disruption.ts'
import { deployment, meta, pod, replicaSet, template } from './testing/fixtures.ts'
import { type StillWorld, stillWorld } from './testing/still-world.ts'

/** What a budget allows, by the pods that it selects and who owns them: the cases that Kubernetes' own controller is held to. */

const nowMs = Date.parse('2026-01-01T00:10:00Z')
const since = '2026-01-01T00:00:00Z'
const selector = { matchLabels: { app: 'web' } }
const key = { namespace: 'default', name: 'budget' }

const set = (name: string, replicas: number, apiVersion = 'apps/v1') => ({
  ...replicaSet({ name, replicas }),
  apiVersion,
})
const controller = (name: string, replicas: number): ReplicationController => ({
  ...{
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: meta(name),
    spec: { replicas, template: template() },
  },
})
const stateful = (name: string, replicas: number): StatefulSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: meta(name) },
  spec: { replicas, selector, template: template(), serviceName: name },
})
type Owner = { apiVersion?: string; kind?: string; metadata: { name: string; uid: string } }
const ownedBy = (owner: Owner, more: Partial<OwnerReference> = {}): OwnerReference => ({
  ...{ apiVersion: owner.apiVersion!, kind: owner.kind!, name: owner.metadata.name, uid: owner.metadata.uid },
  ...{ controller: true, ...more },
})
/** `count` pods, of which so many are ready. */
const pods = (prefix: string, count: number, owner?: OwnerReference, ready = count): Pod[] =>
  Array.from({ length: count }, (_, i) => {
    const made = pod({ name: `${prefix}-${i}`, ...(i < ready ? { readySince: since } : {}) })
    if (owner) made.metadata.ownerReferences = [owner]
    return made
  })

interface Town {
  sets?: ReplicaSet[]
  deployments?: Deployment[]
  controllers?: ReplicationController[]
  statefuls?: StatefulSet[]
  pods: Pod[]
  status?: PodDisruptionBudgetStatus
  generation?: number
  /** Other budgets for the same pods. */
  others?: string[]
  /** What has a scale beside those that are watched. */
  scale?: (url: string) => object | undefined
  fails?: Record<string, Error>
}

async function look(spec: PodDisruptionBudgetSpec, town: Town) {
  const budget: PodDisruptionBudget = {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec: { selector, ...spec } },
    metadata: { ...meta('budget'), generation: town.generation ?? 1 },
    ...(town.status ? { status: town.status } : {}),
  }
  const world: StillWorld = stillWorld({
    cached: [
      [PodDisruptionBudget, [budget, ...(town.others ?? []).map(name => ({ ...budget, metadata: meta(name) }))]],
      [Pod, town.pods],
      [ReplicaSet, town.sets ?? []],
      [Deployment, town.deployments ?? []],
      [ReplicationController, town.controllers ?? []],
      [StatefulSet, town.statefuls ?? []],
    ],
    ...{ nowMs, ...(town.fails ? { fails: town.fails } : {}) },
    raw: url => (url === '/apis' ? discovery : url === '/api' ? { items: [] } : town.scale?.(url)),
  })
  await disruptionReconciler().reconcile(key, world)
  const status: PodDisruptionBudgetStatus = world.bodies.at(-1)?.status ?? budget.status
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status
  return { world, status, counts: [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods] }
}

const resource = (resource: string, kind: string) => ({
  ...{ resource, scope: 'Namespaced', verbs: ['get', 'list'], responseKind: { kind } },
})
const scaled = (resource: object) => ({ ...resource, subresources: [{ subresource: 'scale' }] })
const discovery = {
  items: [
    {
      metadata: { name: 'apps' },
      versions: [
        {
          version: 'v1',
          resources: [resource('daemonsets', 'DaemonSet'), scaled(resource('replicasets', 'ReplicaSet'))],
        },
      ],
    },
    {
      metadata: { name: 'shop.test' },
      versions: [{ version: 'v1', resources: [scaled(resource('stores', 'Store')), resource('stalls', 'Stall')] }],
    },
  ],
}

const web = set('web', 7)
const rc = controller('rc', 3)
const db = stateful('db', 3)
const app = deployment({ replicas: 11 })
const ofApp = set('web-1', 11)
ofApp.metadata.ownerReferences = [ownedBy(app)]
const batch = controller('batch', 11)

describe('a budget: allowed, healthy, needed, expected', () => {
  it.each<[string, PodDisruptionBudgetSpec, Town, number[]]>([
    ['of none', { minAvailable: 3 }, { pods: [] }, [0, 0, 3, 0]],
    ['of too few pods', { minAvailable: 3 }, { pods: pods('p', 2) }, [0, 2, 3, 2]],
    ['of just enough', { minAvailable: 3 }, { pods: pods('p', 3) }, [0, 3, 3, 3]],
    ['of one more', { minAvailable: 3 }, { pods: pods('p', 4) }, [1, 4, 3, 4]],
    ['of one more that is not ready', { minAvailable: 3 }, { pods: pods('p', 4, undefined, 3) }, [0, 3, 3, 4]],
    ['that selects everything', { minAvailable: 3, selector: {} }, { pods: pods('p', 4) }, [1, 4, 3, 4]],
    ['that selects nothing', { minAvailable: 3, selector: undefined as never }, { pods: pods('p', 4) }, [0, 0, 3, 0]],
    ['that says neither', {}, { pods: pods('p', 4) }, [0, 4, 0, 0]],
    [
      'of a set of 7, 2 may be missing',
      { maxUnavailable: 2 },
      { sets: [web], pods: pods('p', 1, ownedBy(web)) },
      [0, 1, 5, 7],
    ],
    [
      'of a set of 5, 2 may be missing',
      { maxUnavailable: 2 },
      { sets: [set('web', 5)], pods: pods('p', 1, ownedBy(web)) },
      [0, 1, 3, 5],
    ],
    [
      'of a set of 7, 30% may be missing',
      { maxUnavailable: '30%' },
      { sets: [web], pods: pods('p', 1, ownedBy(web)) },
      [0, 1, 4, 7],
    ],
    [
      'of a set of 3, 30% may be missing',
      { maxUnavailable: '30%' },
      { sets: [set('web', 3)], pods: pods('p', 1, ownedBy(web)) },
      [0, 1, 2, 3],
    ],
    [
      'of a set of 10, 20% must be there',
      { minAvailable: '20%' },
      { sets: [set('web', 10)], pods: pods('p', 1, ownedBy(web)) },
      [0, 1, 2, 10],
    ],
    ['of a controller of 3 without pods', { minAvailable: '34%' }, { controllers: [rc], pods: [] }, [0, 0, 0, 0]],
    [
      'of a controller of 3 with one',
      { minAvailable: '34%' },
      { controllers: [rc], pods: pods('p', 1, ownedBy(rc)) },
      [0, 1, 2, 3],
    ],
    [
      'of a controller of 3 with all',
      { minAvailable: '34%' },
      { controllers: [rc], pods: pods('p', 3, ownedBy(rc)) },
      [1, 3, 2, 3],
    ],
    [
      'of a stateful set of 3 with two',
      { minAvailable: '34%' },
      { statefuls: [db], pods: pods('p', 2, ownedBy(db)) },
      [0, 2, 2, 3],
    ],
    [
      'of a stateful set of 3 with all',
      { minAvailable: '34%' },
      { statefuls: [db], pods: pods('p', 3, ownedBy(db)) },
      [1, 3, 2, 3],
    ],
    [
      'of a controller and a Deployment',
      { minAvailable: '28%' },
      {
        ...{ controllers: [batch], deployments: [app], sets: [ofApp] },
        pods: [...pods('a', 11, ownedBy(batch), 5), ...pods('b', 11, ownedBy(ofApp), 4)],
      },
      [2, 9, 7, 22],
    ],
    [
      'of a controller alone, of whose pods 5 are ready',
      { minAvailable: '28%' },
      { controllers: [batch], pods: pods('a', 11, ownedBy(batch), 5) },
      [1, 5, 4, 11],
    ],
    [
      'of more pods than are wanted',
      { minAvailable: '1%' },
      { controllers: [controller('one', 1)], pods: pods('p', 2, ownedBy(controller('one', 1))) },
      [1, 2, 1, 1],
    ],
  ])('%s', async (_, spec, town, expected) => {
    expect((await look(spec, town)).counts).toEqual(expected)
  })

  it('says of pods without an owner that it cannot count them, where it must know how many there should be', async () => {
    for (const spec of [{ maxUnavailable: 1 }, { minAvailable: '28%' }]) {
      const { counts, world, status } = await look(spec, { pods: pods('naked', 1) })
      expect([counts[0], status.conditions![0]!.reason]).toEqual([0, 'InsufficientPods'])
      expect(world.told).toEqual([
        expect.stringMatching(/^Warning UnmanagedPods Pods selected by this PodDisruptionBudget/),
      ])
    }
    const rogue = await look(
      { minAvailable: '34%' },
      { controllers: [rc], pods: [...pods('p', 3, ownedBy(rc)), ...pods('r', 1)] },
    )
    expect(rogue.counts[0]).toBe(2)
  })

  it('says that there are no pods when that is new', async () => {
    const first = await look({ minAvailable: 1 }, { pods: [] })
    expect(first.world.told).toEqual(['Normal NoPods No matching pods found'])
    const again = await look({ minAvailable: 1 }, { pods: [], status: first.status })
    expect([again.world.told, again.world.writes]).toEqual([[], []])
  })

  it('warns of pods that another budget is for too, once for all of them', async () => {
    const town = { controllers: [rc], pods: pods('p', 1, ownedBy(rc)) }
    const said = 'matches multiple PodDisruptionBudgets.  Chose "budget" arbitrarily.'
    const { world } = await look({ minAvailable: 1 }, { ...town, others: ['later'] })
    expect(world.told).toEqual([`Warning MultiplePodDisruptionBudgets Pod "default"/"p-0" ${said}`])
    expect((await look({ minAvailable: 1 }, { ...town, others: ['another'] })).world.told).toEqual([])
  })

  it('counts by the scale of what it does not know', async () => {
    const owner = { apiVersion: 'shop.test/v1', kind: 'Store', metadata: { name: 'big', uid: 'store-uid' } }
    const scale = (uid: string) => (url: string) =>
      url === '/apis/shop.test/v1/namespaces/default/stores/big/scale'
        ? { metadata: { uid }, spec: { replicas: 10 } }
        : undefined
    const town = { pods: pods('p', 4, ownedBy(owner)) }
    expect((await look({ maxUnavailable: 5 }, { ...town, scale: scale('store-uid') })).counts).toEqual([0, 4, 5, 10])
    expect((await look({ maxUnavailable: 7 }, { ...town, scale: scale('store-uid') })).counts).toEqual([1, 4, 3, 10])
    // Another one of that name.
    const other = await look({ maxUnavailable: 7 }, { ...town, scale: scale('other') })
    expect(other.status.conditions![0]).toMatchObject({
      reason: 'SyncFailed',
      message: 'found no controllers for pod "p-0"',
    })
  })
})

describe('a budget whose pods cannot be counted', () => {
  it.each<[string, OwnerReference, Partial<Town>, string]>([
    [
      'as their owner is of no kind that there is',
      ownedBy({ apiVersion: 'none.test/v1', kind: 'Thing', metadata: { name: 'x', uid: 'u' } }),
      {},
      'no matches for kind "Thing" in version "none.test/v1"',
    ],
    [
      'as their owner has no scale',
      ownedBy({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'x', uid: 'u' } }),
      {},
      'daemonsets.apps does not implement the scale subresource',
    ],
    [
      'as their owner, of a kind that has one, is gone',
      ownedBy({ apiVersion: 'shop.test/v1', kind: 'Store', metadata: { name: 'x', uid: 'u' } }),
      {},
      'found no controllers for pod "p-0"',
    ],
    [
      'as their owner is of a version that is not served',
      ownedBy({ apiVersion: 'shop.test/v2', kind: 'Store', metadata: { name: 'x', uid: 'u' } }),
      {},
      'no matches for kind "Store" in version "shop.test/v2"',
    ],
    ['as their set is gone', ownedBy(web), {}, 'found no controllers for pod "p-0"'],
    [
      'as their set is of another group',
      ownedBy(web, { apiVersion: 'none.test/v1' }),
      { sets: [web] },
      'no matches for kind "ReplicaSet" in version "none.test/v1"',
    ],
    [
      'as another set has the name of theirs',
      ownedBy(web, { uid: 'another' }),
      { sets: [web], scale: () => ({ metadata: { uid: web.metadata.uid }, spec: { replicas: 7 } }) },
      'found no controllers for pod "p-0"',
    ],
  ])('%s allows nothing, and says why', async (_, owner, more, message) => {
    const before = {
      currentHealthy: 5,
      desiredHealthy: 3,
      expectedPods: 5,
      disruptionsAllowed: 2,
      observedGeneration: 1,
    }
    const town = { pods: pods('p', 2, owner), status: before, generation: 2, ...more }
    const { status, world } = await look({ maxUnavailable: 1 }, town)
    expect(status).toEqual({
      ...before,
      disruptionsAllowed: 0,
      conditions: [
        {
          ...{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message },
          ...{ observedGeneration: 1, lastTransitionTime: '2026-01-01T00:10:00Z' },
        },
      ],
    })
    expect(world.told).toEqual([
      `Warning CalculateExpectedPodCountFailed Failed to calculate the number of expected pods: ${message}`,
    ])
  })
})

describe('a Deployment is found through its set', () => {
  it.each<[string, Partial<OwnerReference>, Partial<OwnerReference>, number | undefined]>([
    ['by its kind and uid', {}, {}, 11],
    ['not by a set of another group', { apiVersion: 'none.test/v1' }, {}, undefined],
    ['not by a set of another kind', { kind: 'Thing' }, {}, undefined],
    ['not by an owner of another group, and then the set counts', {}, { apiVersion: 'none.test/v1' }, 5],
    ['not by an owner of another kind, and then the set counts', {}, { kind: 'Thing' }, 5],
  ])('%s', async (_, ofPod, ofSet, expected) => {
    const one = set('web-1', 5)
    one.metadata.ownerReferences = [ownedBy(app, ofSet)]
    const town = { deployments: [app], sets: [one], pods: pods('p', 1, ownedBy(one, ofPod)) }
    const { counts, status } = await look({ maxUnavailable: 0 }, town)
    expect(status.conditions![0]!.reason === 'SyncFailed' ? undefined : counts[3]).toBe(expected)
  })
})

it('forgets evictions that are under way, carried out or given up, and keeps those that wait', async () => {
  const [p1, p2, p3] = pods('p', 3) as [Pod, Pod, Pod]
  p1.metadata.deletionTimestamp = '2026-01-01T00:10:00Z'
  const disruptedPods = {
    'p-0': '2026-01-01T00:10:00Z',
    'p-1': '2026-01-01T00:07:00Z',
    'p-2': '2026-01-01T00:09:00Z',
    notthere: '2026-01-01T00:10:00Z',
  }
  const status = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0, disruptedPods }
  const found = await look({ minAvailable: 1 }, { pods: [p1, p2, p3], status })
  expect(found.counts).toEqual([0, 1, 1, 3])
  expect(found.status.disruptedPods).toEqual({ 'p-2': '2026-01-01T00:09:00Z' })
})

it.each([
  ['a key with too many slashes', { matchLabels: { 'k8s.io/too/many/slashes': 'value' } }],
  ['an operator that there is not', { matchExpressions: [{ key: 'foo', operator: 'illegal', values: ['bar'] }] }],
])('a damaged selector, %s, selects nothing', async (_, damaged) => {
  expect((await look({ minAvailable: 3, selector: damaged }, { pods: pods('p', 4) })).counts[0]).toBe(0)
})

it('a budget that changed meanwhile is left as it is, and looked at again', async () => {
  const fails = { 'status PodDisruptionBudget': new ApiError('Conflict', 'changed') }
  await expect(look({ minAvailable: 3 }, { pods: pods('p', 4), fails })).rejects.toThrow('changed')
})
