import { type ApiServer, createApiServer } from '../apiserver/index.ts'
import { type Clock, keepAlive } from '../base/clock.ts'
import { Disposal } from '../base/disposal.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { type Client, createClient, inProcessTransport, type Reconciler } from '../client/index.ts'
import { openMemoryStore } from '../db/index.ts'
import type { UserInfo } from '../models/rest.ts'
import type { SimulatedRuntime } from '../runtime/index.ts'
import { calicoResources } from './calico-admission.ts'
import { type RunningControllers, startControllers } from './controllers.ts'
import { serveExplanations } from './explanations.ts'
import { adminUser, controllerUser, schedulerUser, simulatedNodesUser } from './identities.ts'
import { type OutsideWorld, systemOutside } from './outside.ts'
import { allReconcilers } from './reconcilers.ts'
import { startScheduler } from './scheduling.ts'
import { startSimulatedNodes } from './simulated-nodes.ts'

export interface ControlPlaneOptions {
  /** Simulated nodes; 1 unless given. */
  nodes?: number
  /** Capacity of each of them; 8 cpu and 32Gi unless given. */
  capacity?: Record<string, string>
  /** False: no built-in controllers, only the API (and yours). */
  controllers?: boolean
  /** False: pods keep waiting for a scheduler of yours. */
  scheduler?: boolean
  /** Controllers of yours, run beside the built-in ones and held to what they declare. */
  reconcilers?: Reconciler[]
  clock?: Clock
  random?: Random
  log?: Logger
}

const clusterCidr = '10.244.0.0/16'

/**
 * A whole control plane in memory, with simulated nodes: for tests, tools and teaching. Nothing is written to the disk
 * and nothing listens unless asked.
 *
 * @example
 * await using cluster = await ControlPlane.start({ nodes: 3 })
 * await cluster.client.create(Deployment, { … })
 */
export class ControlPlane implements AsyncDisposable {
  /** As an administrator. */
  readonly client: Client
  readonly api: ApiServer
  /** Undefined with `controllers: false`. */
  readonly controllers: RunningControllers | undefined
  /** What runs on each node, and how to make it fail. */
  readonly nodes: ReadonlyMap<string, SimulatedRuntime>
  readonly #stack: Disposal

  private constructor(
    api: ApiServer,
    controllers: RunningControllers | undefined,
    nodes: ReadonlyMap<string, SimulatedRuntime>,
    stack: Disposal,
  ) {
    this.api = api
    this.client = createClient(inProcessTransport(api.handler, adminUser))
    this.controllers = controllers
    this.nodes = nodes
    this.#stack = stack
  }

  /** Resolves when the API answers, controllers and scheduler work and the nodes are registered. */
  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const system = systemOutside(options.log ?? silentLogger)
    const outside: OutsideWorld = {
      ...system,
      clock: options.clock ?? system.clock,
      random: options.random ?? system.random,
    }
    const stack = new Disposal()
    const alive = keepAlive()
    stack.defer(() => alive[Symbol.dispose]())
    try {
      const store = stack.use(await openMemoryStore({ clock: outside.clock }))
      const api = stack.use(
        await createApiServer({
          store,
          clock: outside.clock,
          random: outside.random,
          log: outside.log,
          admission: [calicoResources],
        }),
      )
      const clientOf = (user: UserInfo) => createClient(inProcessTransport(api.handler, user), outside.clock)
      const reconcilers = [
        ...(options.controllers === false
          ? []
          : allReconcilers({ settings: { clusterCidr }, ca: '', simulated: true })),
        ...(options.reconcilers ?? []),
      ]
      const controllers = reconcilers.length
        ? stack.use(await startControllers({ client: clientOf(controllerUser), outside, reconcilers }))
        : undefined
      const explanations = stack.use(serveExplanations(api, outside))
      if (options.scheduler !== false)
        stack.use(await startScheduler({ client: clientOf(schedulerUser), outside, announce: explanations.use }))
      const names = Array.from({ length: options.nodes ?? 1 }, (_, i) => `node-${i + 1}`)
      const nodes = stack.use(
        await startSimulatedNodes({
          client: clientOf(simulatedNodesUser),
          outside,
          names,
          folder: '/nonexistent',
          nodeIp: '127.0.0.1',
          ...(options.capacity ? { capacity: options.capacity } : {}),
        }),
      )
      return new ControlPlane(api, controllers, nodes.runtimes, stack)
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A client that is this user, with only that user's rights. */
  as(user: UserInfo): Client {
    return createClient(inProcessTransport(this.api.handler, user))
  }

  /** Serves the API over plain HTTP on loopback, for clients of other languages in a test. @returns its URL */
  async listen(port = 0): Promise<string> {
    const { url } = await this.api.listen({ host: '127.0.0.1', port })
    return url
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack[Symbol.asyncDispose]()
  }
}
