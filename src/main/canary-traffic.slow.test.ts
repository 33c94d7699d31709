import { once } from 'node:events'
import { Agent, get as askOver, createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenWeb, type WebServer } from '../base/web-server.ts'
import { deploymentReconciler, replicaSetReconciler, workloadReconciler } from '../controller/index.ts'
import { startTestCluster, type TestCluster } from '../controller/testing/cluster.ts'
import { endpointSliceReconciler } from '../discovery/index.ts'
import { backendOf } from '../gateway/plan/backends.ts'
import { embeddedEngine } from '../gateway/plan/engine.ts'
import { planIngresses } from '../gateway/plan/ingress-plan.ts'
import { type BareRoute, httpRoutes } from '../gateway/plan/rules.ts'
import { GatewayProxy } from '../gateway/proxy.ts'
import type { Endpoint, RouteAction } from '../gateway/routing-table.ts'
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

/** Tells the addresses of new pods. */
async function isNew(): Promise<(ip: string) => boolean> {
  const pods = (await cluster.client.list(Pod, { namespace })).items
  const fresh = new Set(pods.filter(p => p.spec.containers[0]!.image === 'shop:2').map(p => p.status?.podIP))
  return ip => fresh.has(ip)
}

/** A gateway that listens, and what listens behind it: one server for the old pods, one for the new. */
class Traffic implements AsyncDisposable {
  readonly #proxy = new GatewayProxy({
    ...{ clock: systemClock, random: systemRandom, net: systemNet, log: silentLogger },
    securePort: () => 8443,
  })
  readonly #front: WebServer
  readonly #servers: Record<'old' | 'new', Server>

  private constructor(listen: (proxy: GatewayProxy) => WebServer, servers: Record<'old' | 'new', Server>) {
    this.#front = listen(this.#proxy)
    this.#servers = servers
  }

  static async open(): Promise<Traffic> {
    const serving = async (text: string) => {
      const server = createServer((_, response) => response.end(text))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return server
    }
    const servers = { old: await serving('old'), new: await serving('new') }
    let proxy: GatewayProxy | undefined
    const at = { port: 80, realPort: 80, secure: false }
    const front = await listenWeb({
      ...{ host: '127.0.0.1', port: 0 },
      onRequest: (request, response) => void proxy!.serve(request, response, at),
      onUpgrade: (_, socket) => socket.destroy(),
    })
    return new Traffic(made => {
      proxy = made
      return front
    }, servers)
  }

  /** What the gateway planned, with the servers here in the place of pods. */
  lead({ backends }: Pick<RouteAction, 'backends'>, fresh: (ip: string) => boolean): void {
    const here = ({ ip }: Endpoint) => {
      const { port } = this.#servers[fresh(ip) ? 'new' : 'old'].address() as AddressInfo
      return { ip: '127.0.0.1', port }
    }
    const moved = backends.map(({ weight, backend: { canary: _, ...backend } }) => ({
      ...{ weight, backend: { ...backend, endpoints: backend.endpoints.map(here) } },
    }))
    const match = { path: { type: 'Prefix' as const, path: '' } }
    const hosts = new Map([['shop.example', [{ match, action: { route: 'Ingress default/shop', backends: moved } }]]])
    this.#proxy.table = { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) }
  }

  async answers(count: number): Promise<{ old: number; new: number }> {
    const found = { old: 0, new: 0 }
    const kept = new Agent({ keepAlive: true, maxSockets: 4 })
    const ask = (agent: Agent | false) =>
      new Promise<'old' | 'new'>((resolve, reject) => {
        const target = { host: '127.0.0.1', port: this.#front.port, agent, headers: { host: 'shop.example' } }
        askOver(target, async response => resolve((await text(response)) as 'old' | 'new')).on('error', reject)
      })
    // Half of them on connections that stay, half on one of their own.
    const answers = await Promise.all(Array.from({ length: count }, (_, i) => ask(i % 2 ? kept : false)))
    for (const answer of answers) found[answer]++
    kept.destroy()
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#front.close(0)
    await this.#proxy[Symbol.asyncDispose]()
    for (const server of Object.values(this.#servers)) {
      server.closeAllConnections()
      server.close()
    }
  }
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

it('over real connections, kept open or not, new pods answer exactly their part of the requests', async () => {
  await start([
    { replicas: 1, weight: 5 },
    { replicas: 1, weight: 40 },
  ])
  await using traffic = await Traffic.open()
  for (const percent of [5, 40]) {
    const says = `2: 1 of 4 pods runs shop:2, ${percent} % of the requests;`
    await cluster.until(async () => (await message())!.includes(says), 30_000, message)
    await cluster.pass(2_000)
    traffic.lead(throughIngress(), await isNew())
    // Whole rounds: what comes through one gateway is shared out evenly, not by chance.
    expect(await traffic.answers(100)).toEqual({ old: 100 - percent, new: percent })
    const { revision, step } = (await get()).status!.rollout!
    const annotations = { [promoteAnnotation]: `${revision}/${step}` }
    await cluster.client.patch(Workload, key, { type: 'merge', body: { metadata: { annotations } } })
  }
  await cluster.until(async () => (await message()) === '4 of 4 ready', 60_000, get)
  await cluster.pass(2_000)
  traffic.lead(throughIngress(), await isNew())
  expect(await traffic.answers(20)).toEqual({ old: 0, new: 20 })
}, 60_000)

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
