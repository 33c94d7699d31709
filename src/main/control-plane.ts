import { type ApiServer, createApiServer } from '../apiserver/index.ts'
import { type CertificateRequest, createAuthority, issueCertificate } from '../base/certificates.ts'
import { type Clock, keepAlive, systemClock } from '../base/clock.ts'
import { Disposal } from '../base/disposal.ts'
import { OptiFlowError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { callJson } from '../client/call-json.ts'
import { type Client, createClient, inProcessTransport, type Reconciler } from '../client/index.ts'
import { objectPath } from '../client/paths.ts'
import { openMemoryStore } from '../db/index.ts'
import type { HistoryItem } from '../models/history/item.ts'
import type { Kind } from '../models/kind.ts'
import { CustomResourceDefinition, Pod } from '../models/kinds/index.ts'
import type { AnyObject, KubeObject, ObjectKey } from '../models/object.ts'
import type { ApiHandler, UserInfo } from '../models/rest.ts'
import type { SimulatedRuntime } from '../runtime/index.ts'
import type { WeightedPlugin } from '../scheduler/index.ts'
import { applyManifests, readManifestText } from './applied-manifests.ts'
import { awaited, type Waiting } from './awaited.ts'
import { calicoResources } from './calico-admission.ts'
import { type RunningControllers, startControllers } from './controllers.ts'
import { type Explanation, serveExplanations } from './explanations.ts'
import { Faults } from './faults.ts'
import { adminUser, controllerUser, schedulerUser, simulatedNodesUser } from './identities.ts'
import { type OutsideWorld, systemOutside } from './outside.ts'
import { allReconcilers } from './reconcilers.ts'
import { startScheduler } from './scheduling.ts'
import { startSimulatedNodes } from './simulated-nodes.ts'
import { type Scenario, type Simulation, simulateCluster } from './simulation.ts'

export interface ControlPlaneOptions {
  /** Simulated nodes; 1 unless given. */
  nodes?: number
  /** Capacity of each of them; 8 cpu and 32Gi unless given. */
  capacity?: Record<string, string>
  /** False: no built-in controllers, only the API (and yours). */
  controllers?: boolean
  /** False: pods keep waiting for a scheduler of yours. */
  scheduler?: boolean
  /** Controllers of yours, run beside the built-in ones. Faults concern what they write. */
  reconcilers?: Reconciler[]
  /**
   * Whether a write that one of your reconcilers does not declare throws, and objects of caches are frozen, so that who changes
   * them is told. True unless given, where there are reconcilers of yours.
   */
  strict?: boolean
  /** Rules of yours for the scheduler, after its own, and how much the score of each counts. */
  plugins?: WeightedPlugin[]
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
  /** As an administrator. Faults do not concern it. */
  readonly client: Client
  readonly api: ApiServer
  /** Undefined with `controllers: false`. */
  readonly controllers: RunningControllers | undefined
  /** What runs on each node, and how to make it fail. */
  readonly nodes: ReadonlyMap<string, SimulatedRuntime>
  /** Makes the API misbehave, for all but `client` and the built-in controllers. */
  readonly faults: Faults
  readonly #parts: Parts
  #closed: Promise<void> | undefined
  readonly #closing = new AbortController()

  private constructor(parts: Parts) {
    const { api, controllers, nodes, faults } = parts
    this.#parts = parts
    this.api = api
    this.client = createClient(inProcessTransport(this.#whileOpen(api.handler), adminUser))
    this.controllers = controllers
    this.nodes = nodes
    this.faults = faults
  }

  /** Resolves when the API answers, controllers and scheduler work and the nodes are registered. */
  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    checkOptions(options)
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
      const faults = new Faults(outside.clock)
      const users = new Map<string, UserInfo>()
      const api = stack.use(
        await createApiServer({
          store,
          clock: outside.clock,
          random: outside.random,
          log: outside.log,
          admission: [calicoResources],
          authenticators: [{ authenticate: ({ headers }) => users.get(headers['authorization'] ?? '') }],
        }),
      )
      const clientOf = (user: UserInfo) => createClient(inProcessTransport(api.handler, user), outside.clock)
      const disturbed = createClient(inProcessTransport(faults.around(api.handler), controllerUser), outside.clock)
      const faulty = (one: Reconciler) => (options.reconcilers?.includes(one) ? disturbed : undefined)
      const reconcilers = [
        ...(options.controllers === false
          ? []
          : allReconcilers({ settings: { clusterCidr }, ca: '', simulated: true })),
        ...(options.reconcilers ?? []),
      ]
      const controllers = reconcilers.length
        ? stack.use(
            await startControllers({
              ...{ client: clientOf(controllerUser), outside, reconcilers, clientOf: faulty },
              strict: options.strict ?? !!options.reconcilers?.length,
            }),
          )
        : undefined
      const plugins = options.plugins ?? []
      const explanations = stack.use(serveExplanations(api, outside))
      if (options.scheduler !== false)
        stack.use(
          await startScheduler({ client: clientOf(schedulerUser), outside, announce: explanations.use, plugins }),
        )
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
      return new ControlPlane({ api, controllers, nodes: nodes.runtimes, stack, faults, users, outside, plugins })
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A client that is this user, with only that user's rights. Faults concern it. */
  as(user: UserInfo): Client {
    return createClient(inProcessTransport(this.#whileOpen(this.faults.around(this.api.handler)), user))
  }

  /**
   * Serves the API over plain HTTP on loopback. Who comes without a token of `kubeconfig` is anonymous, and may do next to nothing.
   * @returns its URL. @throws Error EADDRINUSE when the port is taken
   */
  async listen(port = 0): Promise<string> {
    this.#assertOpen()
    const { url } = await this.api.listen({ host: '127.0.0.1', port, around: handler => this.faults.around(handler) })
    return url
  }

  /**
   * A kubeconfig for clients of any kind and language: HTTPS on loopback, with a token. Faults concern them.
   * @param user whose rights it has; an administrator's unless given
   * @returns YAML, also valid JSON: for a file, or `KubeConfig.loadFromString`
   */
  async kubeconfig(user: UserInfo = adminUser): Promise<string> {
    this.#assertOpen()
    const { users, outside } = this.#parts
    const { url: server, ca } = await (this.#secured ??= this.#listenSecurely())
    const token = Buffer.from(outside.random.bytes(24)).toString('base64url')
    users.set(`Bearer ${token}`, user)
    const name = 'optiflow'
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
      'current-context': name,
    })
  }

  /**
   * Waits until an object is there and `is` says so; what `is` throws, as assertions do, counts as no, and is told if it stays so. By the clock of
   * the control plane: a VirtualClock is moved meanwhile.
   * @example await cluster.until(kinds.Deployment, key, ({ status }) => status?.readyReplicas === 2)
   * @returns the object as it was then. @throws NotInTime with how the object is, why, and which reconcilers failed
   */
  async until<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    is: (object: T) => boolean = () => true,
    waiting: Waiting = {},
  ): Promise<T> {
    const found = await this.#await(kind, key, 'as awaited', object => object !== undefined && is(object), waiting)
    return found as T
  }

  /** Waits until there is no such object. @throws NotInTime with what holds it */
  async untilGone(kind: Kind<any>, key: ObjectKey, waiting: Waiting = {}): Promise<void> {
    await this.#await(kind, key, 'gone', object => object === undefined, waiting)
  }

  /**
   * Applies manifests (YAML or JSON text, or objects), one after the other; custom resources are served once their definition is applied.
   * Without a namespace they go into `default`. @returns them as they are stored. @throws BadManifest, ApiError
   */
  async apply(manifests: string | readonly AnyObject[]): Promise<AnyObject[]> {
    const objects = typeof manifests === 'string' ? readManifestText(manifests) : manifests
    return applyManifests(this.client, objects, async ({ kind, metadata }) => {
      if (kind === 'CustomResourceDefinition')
        await this.until(CustomResourceDefinition, { name: metadata.name }, isEstablished)
    })
  }

  #await<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    wanted: string,
    is: (object: T | undefined) => boolean,
    waiting: Waiting,
  ): Promise<T | undefined> {
    const { clock } = this.#parts.outside
    const stats = () => this.controllers?.runner.stats() ?? {}
    const closing = this.#closing.signal
    return awaited({ ...{ kind, key, wanted, is, client: this.client, clock, closing, stats }, ...waiting })
  }

  /** What would happen, by the scheduler's own code and your plugins, in a fork of the cluster as it is now. Nothing is written. */
  simulate(scenario: Scenario): Promise<Simulation> {
    const { outside, plugins } = this.#parts
    return simulateCluster(this.client, outside, scenario, plugins)
  }

  /** Why a pod is where it is, or waits: who refuses it, what would let it in. @throws ApiError NotFound */
  async explain(pod: ObjectKey): Promise<Explanation> {
    return this.#read(objectPath(Pod, pod, 'explanation').replace('/api/v1/', '/apis/optiflow.dev/v1/'))
  }

  /** The revisions of one object, newest first; of a deleted one too. @param limit at most 500 */
  async history(kind: Kind<any>, key: ObjectKey, limit = 100): Promise<HistoryItem[]> {
    return (await this.#read<{ items: HistoryItem[] }>(`${objectPath(kind, key)}?history=true&limit=${limit}`)).items
  }

  /** An object as it was. @param at a revision (`metadata.resourceVersion`) or a time. @throws ApiError NotFound, Expired */
  async getAsOf<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, at: string | Date): Promise<T> {
    const when = at instanceof Date ? at.toISOString() : at
    return this.#read(`${objectPath(kind, key)}?asOf=${encodeURIComponent(when)}`)
  }

  /** Ends everything, once; later calls wait for the same end. */
  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) this.#closing.abort(closedError())
    return (this.#closed ??= this.#parts.stack[Symbol.asyncDispose]())
  }

  #secured: Promise<{ url: string; ca: string }> | undefined

  /** With TLS, since client-go sends no token over plain HTTP. Who verifies certificates goes by the world's clock, not by ours. */
  async #listenSecurely(): Promise<{ url: string; ca: string }> {
    const authority = await createAuthority('optiflow-test', systemClock)
    const names = { dnsNames: ['localhost'], ips: ['127.0.0.1'] }
    const request: CertificateRequest = { commonName: 'optiflow', ...names, usages: ['server'] }
    const tls = await issueCertificate(authority, request, systemClock)
    const around = (handler: ApiHandler) => this.faults.around(handler)
    const { url } = await this.api.listen({ host: '127.0.0.1', port: 0, tls, around })
    return { url, ca: authority.cert }
  }

  async #read<T>(url: string): Promise<T> {
    return (await callJson(this.client, 'GET', url)) as T
  }

  #whileOpen(handler: ApiHandler): ApiHandler {
    return request => {
      this.#assertOpen()
      return handler(request)
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError()
  }
}

interface Parts {
  api: ApiServer
  controllers: RunningControllers | undefined
  nodes: ReadonlyMap<string, SimulatedRuntime>
  stack: Disposal
  faults: Faults
  /** By `Authorization` header. */
  users: Map<string, UserInfo>
  outside: OutsideWorld
  plugins: WeightedPlugin[]
}

/** Something was asked of a control plane that had been closed. */
export class ControlPlaneClosed extends OptiFlowError {}

const closedError = () =>
  new ControlPlaneClosed('this control plane was closed', {
    hint: 'Start another one with ControlPlane.start(), or close it later.',
  })

const isEstablished = ({ status }: CustomResourceDefinition) =>
  !!status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True')

const known: Record<keyof ControlPlaneOptions, true> = {
  nodes: true,
  capacity: true,
  controllers: true,
  scheduler: true,
  reconcilers: true,
  strict: true,
  plugins: true,
  clock: true,
  random: true,
  log: true,
}

/** For those who write JavaScript: a misspelt option would else be one that is not there. */
function checkOptions(options: ControlPlaneOptions): void {
  for (const name of Object.keys(options))
    if (!(name in known))
      throw new OptiFlowError(`ControlPlane.start knows no option "${name}"`, {
        hint: `It knows ${Object.keys(known).join(', ')}.`,
      })
  const { nodes = 1 } = options
  if (!Number.isInteger(nodes) || nodes < 0)
    throw new OptiFlowError(`ControlPlane.start: nodes is ${nodes}`, { hint: 'Give a whole number from 0 on.' })
}
