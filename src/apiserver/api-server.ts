import { setMaxListeners } from 'node:events'
import type { Registry } from 'prom-client'
import { afterThisTurn, sleep, systemClock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import type { ApiHandler } from '../models/rest.ts'
import { addressIn, parseAddressRanges } from './admission/service-ranges.ts'
import { Aggregation } from './aggregation/aggregation.ts'
import type { ExtensionAuthentication } from './aggregation/extension-authentication.ts'
import { addChecks } from './assembly/checks.ts'
import { addComputed, addSubresources } from './assembly/computed.ts'
import { loadCore } from './assembly/core.ts'
import { identityOf } from './assembly/identity.ts'
import type { ApiServerOptions, Outside } from './assembly/options.ts'
import { addAdmission, addAuthorizers } from './assembly/permission.ts'
import { startHouse } from './assembly/start.ts'
import { Auditor } from './audit/auditor.ts'
import { publishAddresses } from './bootstrap/api-endpoints.ts'
import { publishClusterInfo } from './bootstrap/cluster-info.ts'
import { ServerPresence } from './bootstrap/server-presence.ts'
import type { Core } from './core.ts'
import { Discovery } from './discovery/discovery.ts'
import { Docs } from './docs/docs.ts'
import { Deadlines } from './flow-control/deadlines.ts'
import { FlowControl } from './flow-control/flow-control.ts'
import type { HealthCheck } from './health/health.ts'
import { StartSteps } from './health/start-steps.ts'
import { type Listening, type ListenOptions, listen } from './listener/listener.ts'
import { OpenApi } from './openapi/openapi.ts'
import { otherPaths } from './other-paths.ts'
import { createHandler } from './pipeline.ts'

export type { ApiServerOptions } from './assembly/options.ts'

/** The API: as a function, and on the network. */
export interface ApiServer extends AsyncDisposable {
  handler: ApiHandler
  core: Core
  /** What /metrics shows; other parts of the process may add theirs. */
  metrics: Registry
  /** What `kubectl get componentstatuses` shows besides the store; other parts of the process add theirs, by Kubernetes' names. */
  components: Map<string, HealthCheck>
  listen(options: ListenOptions): Promise<Listening>
  /** Puts others in the places of those who are asked what somebody may do, or whose tokens are believed. */
  choose(choices: Pick<ApiServerOptions, 'authorization' | 'issuers'>): void
  /** Tells the cluster of other authorities (PEM) from now on, in its own place of those there were. Listeners are told by themselves. */
  trust(authorities: { clientCa: string; frontProxyCa: string }): Promise<void>
  /** What it is called among the servers of its store; '' before it is published. */
  name(): string
  /** Makes this server known inside the cluster until it is closed: an endpoint of the `kubernetes` Service. */
  publish(address: string, port: number): Promise<void>
  /** Ends watches and listeners; the store stays open, it is the caller's. */
  close(): Promise<void>
}

/** Loads the watch cache from the store and is then ready to answer. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const outside = outsideOf(options)
  const addresses = parseAddressRanges(options.serviceCidr ?? '10.96.0.0/16')
  const closing = new AbortController()
  // Every watch listens to it.
  setMaxListeners(0, closing.signal)
  const { core, metrics } = await loadCore(options, outside, closing.signal)
  const { registry } = metrics
  const trusted: Trusted = { clientCa: options.clientCa, frontProxy: options.frontProxy }
  const aggregation = new Aggregation(core, registry, { trusted, identity: options.frontProxy?.identity })
  const identity = identityOf(core, options, outside, metrics.access)
  const authorizers = addAuthorizers(core, options, outside, registry)
  addAdmission(core, options, { rbac: authorizers.rbac, addresses, registry })
  addComputed(core, options, identity)
  addSubresources(core, options, identity)
  const steps = new StartSteps()
  const components = new Map<string, HealthCheck>()
  const checks = addChecks(core, options.store, steps, { more: options.health, components })
  const flowControl = new FlowControl({ core, registry, seats: options.seats ?? 600 })
  const auditor = options.audit && new Auditor(options.audit, { ...outside, registry })
  const advertised = { address: '127.0.0.1:6443' }
  const handler = createHandler({
    ...{ core, auditor, metrics, aggregation },
    authenticators: identity.authenticators,
    authorizer: core.authorizer,
    control: { flowControl, deadlines: new Deadlines(outside.clock) },
    others: otherPaths({
      ...{ checks, metrics, docs: new Docs(), tokens: identity.tokens, more: options.more ?? {} },
      discovery: new Discovery(() => advertised.address, options.aggregatedDiscovery ?? true),
      openApi: new OpenApi(aggregation.openApi),
    }),
  })
  await startHouse(core, options, { aggregation, steps, serviceAddress: addressIn(addresses[0]!, 1) })
  const listeners = new Listeners(handler, outside, flowControl)
  const presence = presenceOf(core, options.shared ?? false, trusted)
  const close = async () => {
    await withdrawn(presence, core)
    closing.abort()
    await listeners.close()
    await auditor?.close()
    await core.cache.close()
  }
  return {
    ...{ handler, core, metrics: registry, components, close, [Symbol.asyncDispose]: close },
    choose({ authorization, issuers }) {
      if (authorization) authorizers.choose(authorization)
      if (issuers) identity.issuers.choose(issuers)
    },
    async trust({ clientCa, frontProxyCa }) {
      trusted.clientCa = clientCa
      if (trusted.frontProxy) trusted.frontProxy = { ...trusted.frontProxy, ca: frontProxyCa }
      await Promise.all([aggregation.publishTrusted(), presence.publishAgain()])
    },
    name: () => presence.name,
    listen: listenOptions => listeners.add(listenOptions),
    async publish(address, port) {
      advertised.address = `${address}:${port}`
      await presence.announce({ ip: address, port })
    },
  }
}

function outsideOf({ clock, random, net, log }: ApiServerOptions): Outside {
  return {
    clock: clock ?? systemClock,
    random: random ?? systemRandom,
    net: net ?? systemNet,
    log: (log ?? silentLogger).child({ part: 'apiserver' }),
  }
}

/** In one place for all that tell of it: it may be another one later. */
type Trusted = ExtensionAuthentication

function presenceOf(core: Core, shared: boolean, trusted: Trusted): ServerPresence {
  return new ServerPresence(core, shared, async living => {
    await publishAddresses(core, living)
    if (trusted.clientCa) await publishClusterInfo(core, living, trusted.clientCa)
  })
}

/** Where the handler is served on the network. */
class Listeners {
  readonly #handler: ApiHandler
  readonly #outside: Outside
  readonly #flowControl: FlowControl
  readonly #open = new Set<Listening>()

  constructor(handler: ApiHandler, outside: Outside, flowControl: FlowControl) {
    this.#handler = handler
    this.#outside = outside
    this.#flowControl = flowControl
  }

  async add(options: ListenOptions): Promise<Listening> {
    this.#flowControl.pace(afterThisTurn)
    const listening = await listen(this.#handler, this.#outside, options)
    this.#open.add(listening)
    return listening
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map(listening => listening.close()))
  }
}

/** Does not wait for long: the store may be gone, and the Lease runs out by itself. */
async function withdrawn(presence: ServerPresence, { clock, log }: Core): Promise<void> {
  const stop = new AbortController()
  await Promise.race([
    presence.withdraw().catch(error => log.info({ error: explain(error) }, 'the address was not taken back')),
    sleep(clock, 2_000, stop.signal).catch(() => {}),
  ])
  stop.abort()
}
