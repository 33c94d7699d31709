import { afterEach, expect, it } from 'vitest'
import { deploymentReconciler, replicaSetReconciler, workloadReconciler } from '../controller/index.ts'
import { startTestCluster, type TestCluster } from '../controller/testing/cluster.ts'
import { endpointSliceReconciler } from '../discovery/index.ts'
import { backendOf } from '../gateway/plan/backends.ts'
import { embeddedEngine } from '../gateway/plan/engine.ts'
import { planIngresses } from '../gateway/plan/ingress-plan.ts'
import { type BareRoute, httpRoutes } from '../gateway/plan/rules.ts'
import type { RouteAction } from '../gateway/routing-table.ts'
import { Weights } from '../gateway/weights.ts'
import { EndpointSlice, Ingress, Node, Pod, Service, Workload } from '../models/kinds/index.ts'
import { promoteAnnotation } from '../models/workload-annotations.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())
const namespace = 'default'
const key = { namespace, name: 'shop' }
const get = () => cluster.client.get(Workload, key)
const message = async () => (await get()).status?.message

/** What the gateway sees of the cluster. */
const seen = {
  service: (namespace: string, name: string) => cluster.informers.for(Service).get({ namespace, name }),
  slices: (_: string, service: string) =>
    cluster.informers
      .for(EndpointSlice)
      .list()
      .filter(s => s.metadata.labels?.['kubernetes.io/service-name'] === service),
  secret: () => undefined,
}

function throughIngress(): Pick<RouteAction, 'backends'> {
  const classes = [
    {
      metadata: { name: 'own', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'optiflow.dev/gateway' },
    },
  ]
  const policies = { planned: [], of: () => undefined }
  const ingresses = cluster.informers.for(Ingress).list()
  const input = { ...seen, ingresses, classes: classes as any, policies, engine: embeddedEngine }
  return planIngresses(input).hosts.get('shop.example')![0]!.action
}

/** A route of somebody's own that names the Service. */
function throughRoute(): BareRoute['action'] {
  const backendRefs = [{ name: 'shop', port: 80, weight: 1 }]
  const [route] = httpRoutes({ backendRefs }, ({ name, port }) => backendOf(seen, { namespace, service: name, port }))
  return route!.action
}

/** Of a hundred requests, those that new pods get. */
async function shareOfNew(action: Pick<RouteAction, 'backends'>): Promise<number> {
  const pods = (await cluster.client.list(Pod, { namespace })).items
  const fresh = new Set(pods.filter(p => p.spec.containers[0]!.image === 'shop:2').map(p => p.status?.podIP))
  const weights = new Weights()
  let count = 0
  for (let i = 0; i < 100; i++) {
    const { endpoints } = weights.next(action)!.backend
    count += endpoints.filter(e => fresh.has(e.ip)).length / endpoints.length
  }
  return count
}

async function start(steps: NonNullable<NonNullable<Workload['spec']['update']>['canary']>['steps']): Promise<void> {
  const reconcilers = [
    ...[workloadReconciler(), deploymentReconciler(), replicaSetReconciler()],
    endpointSliceReconciler(),
  ]
  cluster = await startTestCluster({ reconcilers, garbageCollector: true })
  for (const name of ['node-1', 'node-2']) await cluster.client.create(Node, { metadata: { name }, spec: {} })
  cluster.informers.for(Ingress)
  await cluster.client.create(Workload, {
    metadata: key,
    spec: {
      ...{ image: 'shop:1', replicas: 4, ports: [{ port: 80, targetPort: 8080 }], expose: { host: 'shop.example' } },
      update: { canary: { steps } },
    },
  })
  await cluster.until(async () => (await message()) === '4 of 4 ready', 20_000, get)
  await cluster.client.patch(Workload, key, { type: 'merge', body: { spec: { image: 'shop:2' } } })
}

it('with a weight new pods get exactly that part of the requests, from step to step, and then all', async () => {
  await start([{ replicas: 2, weight: 5 }, { replicas: 2, weight: 0 }, { weight: 50 }])
  const waiting = 'waits for "optiflow rollout promote shop"'
  const says = (text: string) => async () => (await message()) === `${text}; ${waiting}`
  const promote = async () => {
    const { revision, step } = (await get()).status!.rollout!
    const annotations = { [promoteAnnotation]: `${revision}/${step}` }
    await cluster.client.patch(Workload, key, { type: 'merge', body: { metadata: { annotations } } })
  }
  await cluster.until(says('canary step 1 of 3: 2 of 4 pods run shop:2, 5 % of the requests'), 30_000, get)
  await cluster.pass(2_000)
  expect([await shareOfNew(throughIngress()), await shareOfNew(throughRoute())]).toEqual([5, 5])
  await promote()
  await cluster.until(says('canary step 2 of 3: 2 of 4 pods run shop:2, 0 % of the requests'), 30_000, get)
  await cluster.pass(2_000)
  expect(await shareOfNew(throughIngress())).toBe(0)
  await promote()
  await cluster.until(says('canary step 3 of 3: 2 of 4 pods run shop:2, 50 % of the requests'), 30_000, get)
  await cluster.pass(2_000)
  expect(await shareOfNew(throughIngress())).toBe(50)
  await promote()
  await cluster.until(async () => (await message()) === '4 of 4 ready', 60_000, get)
  await cluster.pass(2_000)
  expect(await shareOfNew(throughIngress())).toBe(100)
  const services = (await cluster.client.list(Service, { namespace })).items.map(s => s.metadata.name)
  expect(services).toEqual(['kubernetes', 'shop'])
})

it('without a weight requests go by the number of pods', async () => {
  await start([{ replicas: 1 }])
  await cluster.until(async () => /1 of 4 pods runs shop:2; waits/.test((await message())!), 30_000, get)
  await cluster.pass(2_000)
  expect(await shareOfNew(throughIngress())).toBeCloseTo(25)
  expect(await shareOfNew(throughRoute())).toBeCloseTo(25)
})

it('a weight needs requests to share out', async () => {
  cluster = await startTestCluster({ reconcilers: [] })
  const create = (update: object, ports?: object[]) =>
    cluster.client.create(Workload, { metadata: key, spec: { image: 'a', update, ...(ports ? { ports } : {}) } as any })
  await expect(create({ canary: { steps: [{ weight: 5 }] } })).rejects.toThrow(
    'spec.update.canary.steps[0].weight: Forbidden: may not be specified without `spec.ports`',
  )
  await expect(create({ canary: { steps: [{ weight: 101 }] } }, [{ port: 80 }])).rejects.toThrow(
    'spec.update.canary.steps[0].weight: Invalid value: 101: must be between 0 and 100, inclusive',
  )
})
