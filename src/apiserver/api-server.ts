import { setMaxListeners } from 'node:events'
import type { Registry } from 'prom-client'
import { afterThisTurn, type Clock, sleep, systemClock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { type Net, systemNet } from '../base/net.ts'
import { type Random, systemRandom } from '../base/random.ts'
import type { Store } from '../db/store.ts'
import type { Kind } from '../models/kind.ts'
import { builtinKinds } from '../models/kinds/index.ts'
import type { AnyObject } from '../models/object.ts'
import type { ApiHandler, UserInfo } from '../models/rest.ts'
import { builtInPlugins } from './admission/built-in.ts'
import { AdmissionChain, type AdmissionPlugin } from './admission/chain.ts'
import type { PodSecurityOptions } from './admission/pod-security/pod-security.ts'
import { mutatingAdmissionPolicies } from './admission/policies/mutating-admission-policy.ts'
import { validatingAdmissionPolicies } from './admission/policies/validating-admission-policy.ts'
import { resourceQuota } from './admission/resource-quota.ts'
import { addressIn, parseAddressRanges } from './admission/service-ranges.ts'
import { mutatingWebhooks } from './admission/webhooks/mutating-webhooks.ts'
import { validatingWebhooks } from './admission/webhooks/validating-webhooks.ts'
import { WebhookMetrics } from './admission/webhooks/webhook-metrics.ts'
import { Aggregation } from './aggregation/aggregation.ts'
import { RemoteVersions } from './aggregation/remote-versions.ts'
import { type AuditOptions, Auditor } from './audit/auditor.ts'
import type { Authenticator } from './authn/authenticator.ts'
import { BootstrapTokens } from './authn/bootstrap-tokens.ts'
import { ClientCertificates } from './authn/client-certificates.ts'
import { FrontProxy } from './authn/front-proxy.ts'
import { type OidcOptions, OidcTokens } from './authn/oidc-tokens.ts'
import { ServiceAccountTokens, type TokenKeys } from './authn/service-account-tokens.ts'
import { StaticTokens } from './authn/static-tokens.ts'
import { type Authorizer, AuthorizerChain, mastersMayAll, publicInfo } from './authz/authorizer.ts'
import { NodeAuthorizer } from './authz/node/node-authorizer.ts'
import { NodeObjects } from './authz/node/node-objects.ts'
import { PodsByNode } from './authz/node/pods-by-node.ts'
import { bootstrapNamespaceRoles, bootstrapRoles } from './authz/rbac/bootstrap-roles.ts'
import { RbacAuthorizer } from './authz/rbac/rbac-authorizer.ts'
import { publishAddresses } from './bootstrap/api-endpoints.ts'
import { bootstrap } from './bootstrap/bootstrap.ts'
import { publishClusterInfo } from './bootstrap/cluster-info.ts'
import { ServerPresence } from './bootstrap/server-presence.ts'
import type { Core } from './core.ts'
import { Definitions } from './custom/definitions.ts'
import { Discovery } from './discovery/discovery.ts'
import { Docs } from './docs/docs.ts'
import { EventKeeper, type EventRetention } from './events/event-keeper.ts'
import { Deadlines } from './flow-control/deadlines.ts'
import { FlowControl } from './flow-control/flow-control.ts'
import { keepFlowConfiguration } from './flow-control/keep-configuration.ts'
import { componentStatusHandlers } from './health/component-statuses.ts'
import type { HealthCheck, HealthChecks } from './health/health.ts'
import { StartSteps } from './health/start-steps.ts'
import { type Listening, type ListenOptions, listen } from './listener/listener.ts'
import { measuredStore } from './metrics/measured-store.ts'
import { Metrics } from './metrics/metrics.ts'
import type { NodeDialer } from './nodes/node-dialer.ts'
import { podCommand, podLog, podPortForward } from './nodes/pod-streams.ts'
import { OpenApi } from './openapi/openapi.ts'
import { type OtherPathHandler, otherPaths } from './other-paths.ts'
import { OutgoingCalls } from './outgoing/outgoing-calls.ts'
import { createHandler } from './pipeline.ts'
import { proxy } from './proxy/proxy.ts'
import { ResourceTable } from './resources.ts'
import { reviewHandlers } from './reviews/reviews.ts'
import { ObjectStore } from './storage/object-store.ts'
import { bindingGroupHandler } from './subresources/binding-group.ts'
import { tokenCreator } from './subresources/token.ts'
import { NodeUsages } from './usage/node-usages.ts'
import { usageHandlers } from './usage/usage-handlers.ts'
import { FreshReads } from './watch-cache/fresh-reads.ts'
import type { KeptObject } from './watch-cache/kept-object.ts'
import { WatchCache } from './watch-cache/watch-cache.ts'

export interface ApiServerOptions {
  store: Store
  /** Other servers write to the same store. */
  shared?: boolean
  clock?: Clock
  random?: Random
  /** How webhooks, extension servers and proxied pods are reached. */
  net?: Net
  log?: Logger
  /** All built-in kinds unless given. */
  kinds?: Iterable<Kind<any>>
  /** Bearer tokens that are good for ever, and whose they are. */
  tokens?: Record<string, UserInfo>
  /** An OpenID Connect issuer whose tokens are believed too. */
  oidc?: OidcOptions
  /** PEM of the authority of users' certificates, told to extension servers. */
  clientCa?: string
  /** What is recorded of requests, and where; nothing unless given. */
  audit?: AuditOptions
  /** Whom users' requests may be passed on by, and as whom we pass on theirs to extension servers. */
  frontProxy?: FrontProxyOptions
  /** More ways to tell who asks; after certificates and tokens. */
  authenticators?: Authenticator[]
  authorizers?: Authorizer[]
  /** After the built-in ones. */
  admission?: AdmissionPlugin[]
  /** False: discovery one group at a time only, as before Kubernetes 1.26. */
  aggregatedDiscovery?: boolean
  /** Names of built-in admission plugins to leave out: `ServiceAccount`. */
  withoutAdmission?: string[]
  /** Requests that are worked on at once, watches that run and the exempt not counted; 600 unless said otherwise. */
  seats?: number
  /** Levels for namespaces without labels, and exemptions; unless given, no namespace is limited but by its labels. */
  podSecurity?: PodSecurityOptions
  /** Signs and checks the tokens of service accounts; without it none are issued. */
  tokenKeys?: TokenKeys
  /** Issuer and audience of those tokens; https://kubernetes.default.svc unless said otherwise. */
  tokenIssuer?: string
  /** Addresses of Services; 10.96.0.0/16 unless said otherwise. The first is that of the API itself. */
  serviceCidr?: string
  /** Both ends included; 30000–32767 unless said otherwise. */
  nodePorts?: { first: number; last: number }
  /** How long Events are kept, and how many. */
  events?: EventRetention
  /** How the agents of nodes are asked for logs and streams; without it those are not served. */
  nodes?: NodeDialer
  /** Changes of each resource that are kept in memory for watches that resume; 4,096 unless said otherwise. Older ones are read from the store. */
  watchCacheSize?: number
  /** More paths, by method and path: `GET /optiflow/backup`. */
  more?: Record<string, OtherPathHandler>
  /** More things that /livez and /readyz look at. */
  health?: Partial<HealthChecks>
}

export interface FrontProxyOptions {
  /** PEM of the authority that signs proxies, and nothing else. */
  ca: string
  /** Common names that they may have; none: any. */
  allowedNames: string[]
  /** What we show to extension servers; PEM. */
  identity?: { cert: string; key: string }
}

/** The API: as a function, and on the network. */
export interface ApiServer extends AsyncDisposable {
  handler: ApiHandler
  core: Core
  /** What /metrics shows; other parts of the process may add theirs. */
  metrics: Registry
  listen(options: ListenOptions): Promise<Listening>
  /** Makes this server known inside the cluster until it is closed: an endpoint of the `kubernetes` Service. */
  publish(address: string, port: number): Promise<void>
  /** Ends watches and listeners; the store stays open, it is the caller's. */
  close(): Promise<void>
}

const defaultIssuer = 'https://kubernetes.default.svc'

/** Loads the watch cache from the store and is then ready to answer. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const log = (options.log ?? silentLogger).child({ part: 'apiserver' })
  const addresses = parseAddressRanges(options.serviceCidr ?? '10.96.0.0/16')
  const closing = new AbortController()
  // Every watch listens to it.
  setMaxListeners(0, closing.signal)
  await ensureBegun(options.store, random)
  const cache = new WatchCache({
    ...{ store: options.store, clock, log },
    ...(options.watchCacheSize ? { ringSize: options.watchCacheSize } : {}),
  })
  await cache.start()
  const parsed = new WeakMap<KeptObject, AnyObject>()
  const resources = new ResourceTable(options.kinds ?? builtinKinds)
  const metrics = new Metrics(resources)
  const store = measuredStore(options.store, clock, [metrics.registry])
  const admission = new AdmissionChain([])
  const authorizer = new AuthorizerChain()
  const core: Core = {
    clock,
    random,
    log,
    store,
    resources,
    cache,
    fresh: options.shared ? new FreshReads(options.store, cache) : undefined,
    objects: new ObjectStore(store, cache),
    admission,
    authorizer,
    outgoing: new OutgoingCalls(() => core, options.net ?? systemNet, clock),
    remotes: new RemoteVersions(() => core),
    moreSubresources: new Map(),
    views: new Map(),
    computed: new Map(),
    closing: closing.signal,
    annotate() {},
    shared(object) {
      let known = parsed.get(object)
      if (!known) parsed.set(object, (known = object.value()))
      return known
    },
  }
  new Definitions(core).start()
  core.remotes.start()
  const { frontProxy } = options
  const aggregation = new Aggregation(core, metrics.registry, {
    ...{ clientCa: options.clientCa, frontProxy, identity: frontProxy?.identity },
  })
  metrics.follow(cache)
  const tokens =
    options.tokenKeys && new ServiceAccountTokens(core, options.tokenKeys, options.tokenIssuer ?? defaultIssuer)
  const authenticators: Authenticator[] = [
    ...(frontProxy ? [new FrontProxy(frontProxy.allowedNames, () => clock.now())] : []),
    new ClientCertificates(() => clock.now()),
    new StaticTokens(options.tokens ?? {}),
    ...(tokens ? [tokens] : []),
    new BootstrapTokens(core),
    ...(options.oidc ? [new OidcTokens(options.oidc, { net: options.net ?? systemNet, clock, log })] : []),
    ...(options.authenticators ?? []),
  ]
  const rbac = new RbacAuthorizer(core)
  authorizer.add(
    mastersMayAll,
    publicInfo,
    new NodeAuthorizer(new PodsByNode(core), new NodeObjects(core)),
    rbac,
    ...(options.authorizers ?? []),
  )
  const nodePorts = options.nodePorts ?? { first: 30_000, last: 32_767 }
  const webhookMetrics = new WebhookMetrics(metrics.registry)
  const plugins = [
    ...builtInPlugins({ authorizer, rbac, addresses, nodePorts, podSecurity: options.podSecurity }),
    mutatingAdmissionPolicies(authorizer),
    mutatingWebhooks(authorizer, webhookMetrics),
    validatingAdmissionPolicies(authorizer),
    validatingWebhooks(authorizer, webhookMetrics),
    ...(options.admission ?? []),
    resourceQuota,
  ]
  admission.add(...plugins.filter(plugin => !options.withoutAdmission?.includes(plugin.name)))
  core.computed = new Map([
    ...reviewHandlers({ authorizer, rules: rbac, authenticators, tokens }),
    ...usageHandlers(options.nodes && new NodeUsages(options.nodes, clock)),
    bindingGroupHandler(authorizer),
  ])
  if (tokens) core.moreSubresources.set('token', { create: tokenCreator(tokens) })
  core.moreSubresources.set('proxy', proxy(options.nodes))
  if (options.nodes) {
    core.moreSubresources.set('log', { get: podLog(options.nodes) })
    core.moreSubresources.set('exec', { create: podCommand(options.nodes, 'exec') })
    core.moreSubresources.set('attach', { create: podCommand(options.nodes, 'attach') })
    core.moreSubresources.set('portforward', { create: podPortForward(options.nodes) })
  }
  const advertised = { address: '127.0.0.1:6443' }
  const steps = new StartSteps()
  const storeCheck: HealthCheck = () => options.store.revision().then(() => undefined)
  const live: [string, HealthCheck][] = [
    ['ping', () => undefined],
    ['log', () => undefined],
    ['etcd', storeCheck],
  ]
  const checks: HealthChecks = {
    live: new Map<string, HealthCheck>([...live, ...steps.checks(), ...(options.health?.live ?? [])]),
    ready: new Map<string, HealthCheck>([
      ...live,
      ['etcd-readiness', storeCheck],
      ['informer-sync', () => (cache.healthy ? undefined : 'it does not follow the store')],
      ...steps.checks(),
      ['shutdown', () => (closing.signal.aborted ? 'the server is closing' : undefined)],
      ...(options.health?.ready ?? []),
    ]),
  }
  core.computed.set(...componentStatusHandlers(new Map([['etcd-0', storeCheck]])))
  const flowControl = new FlowControl({ core, registry: metrics.registry, seats: options.seats ?? 600 })
  const discovery = new Discovery(() => advertised.address, options.aggregatedDiscovery ?? true)
  const auditor = options.audit && new Auditor(options.audit, { clock, log, registry: metrics.registry })
  const handler = createHandler({
    core,
    auditor,
    authenticators,
    authorizer,
    metrics,
    aggregation,
    control: { flowControl, deadlines: new Deadlines(clock) },
    others: otherPaths({
      discovery,
      openApi: new OpenApi(aggregation.openApi),
      docs: new Docs(),
      checks,
      metrics,
      tokens,
      more: options.more ?? {},
    }),
  })
  steps.done('cache', 'definitions')
  await bootstrapRoles(core)
  await bootstrap(core, { serviceAddress: addressIn(addresses[0]!, 1) })
  await bootstrapNamespaceRoles(core)
  steps.done('roles', 'objects')
  await keepFlowConfiguration(core)
  steps.done('flows')
  await aggregation.start()
  steps.done('aggregation')
  new EventKeeper(core, options.events).start()
  const listeners = new Set<Listening>()
  const presence = new ServerPresence(core, options.shared ?? false, async living => {
    await publishAddresses(core, living)
    if (options.clientCa) await publishClusterInfo(core, living, options.clientCa)
  })
  const close = async () => {
    await withdrawn(presence, core)
    closing.abort()
    await Promise.all([...listeners].map(l => l.close()))
    await auditor?.close()
    await cache.close()
  }
  return {
    handler,
    core,
    metrics: metrics.registry,
    async listen(listenOptions) {
      flowControl.pace(afterThisTurn)
      const listening = await listen(handler, { clock, log }, listenOptions)
      listeners.add(listening)
      return listening
    },
    async publish(address, port) {
      advertised.address = `${address}:${port}`
      await presence.announce({ ip: address, port })
    },
    close,
    [Symbol.asyncDispose]: close,
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

/** A store at revision 0 gets its first entry: to clients, resourceVersion "0" means "any". */
async function ensureBegun(store: Store, random: Random): Promise<void> {
  if ((await store.revision()) > 0n) return
  await store.commit([{ key: '/cluster/id', value: Buffer.from(random.uuid()) }], new Map())
}
