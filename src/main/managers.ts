import { Disposal } from '../base/disposal.ts'
import { type Client, createClient, inProcessTransport } from '../client/index.ts'
import { parsePool } from '../discovery/index.ts'
import type { AskedPorts } from '../gateway/index.ts'
import { nodeIp } from './addresses.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { type ControllerMetrics, controllerMetrics } from './controller-metrics/index.ts'
import { startControllers } from './controllers.ts'
import { openCsiDrivers } from './csi-drivers.ts'
import { runElected } from './elected.ts'
import { acmeOf, engineOf, isGatewayOn, portTaken, reservedPorts } from './gateway-part.ts'
import { startGatewayStatuses } from './gateway-statuses.ts'
import { controllerUser, schedulerUser } from './identities.ts'
import { leaseCheck } from './manager-health.ts'
import { asPart } from './part.ts'
import { queueMetrics } from './queue-metrics.ts'
import { allReconcilers } from './reconcilers.ts'
import { schedulerMetrics } from './scheduler-metrics.ts'
import { startScheduler } from './scheduling.ts'
import type { RunningServer } from './server.ts'
import { current } from './server-keys.ts'
import type { Settings } from './settings.ts'
import { certificateSigner } from './signing.ts'

interface Manager {
  part: string
  /** As `kubectl get componentstatuses` names it. */
  component: string
  lease: string
  client: Client
  start(client: Client): Promise<AsyncDisposable & { what: string }>
}

/** Controllers and scheduler. Where several servers share a store, they stand for their leases instead of working at once. */
export async function startManagers(
  options: ClusterOptions,
  server: RunningServer,
  asked: AskedPorts,
  stack: Disposal,
): Promise<void> {
  const { settings, outside } = options
  const { api } = server
  const clientOf = (user: typeof controllerUser) => createClient(inProcessTransport(api.handler, user), outside.clock)
  const metrics = queueMetrics(api.metrics)
  const told = controllerMetrics(api.metrics)
  const placing = schedulerMetrics(api.metrics)
  const drivers = openCsiDrivers(settings, outside)
  stack.defer(() => drivers[Symbol.dispose]())
  const controllers: Manager = {
    ...{ part: 'controllers', component: 'controller-manager', lease: 'kube-controller-manager' },
    client: clientOf(controllerUser),
    async start(client) {
      const controlling = new Disposal()
      if (isGatewayOn(settings))
        controlling.use(
          startGatewayStatuses({
            ...{ client, outside, metrics },
            addresses: [nodeIp()],
            ...{ portTaken: portTaken(settings), asked },
            acme: acmeOf(settings),
            engine: engineOf(settings),
          }),
        )
      const reconcilers = reconcilersOf(options, server, { asked, told, csiDrivers: drivers.all })
      controlling.use(
        await startControllers({ client, outside, reconcilers, metrics, onSyncError: told.collectorSyncError }),
      )
      return Object.assign(controlling, { what: `${reconcilers.length} reconcilers and the garbage collector` })
    },
  }
  const scheduler: Manager = {
    ...{ part: 'scheduler', component: 'scheduler', lease: 'kube-scheduler', client: clientOf(schedulerUser) },
    async start(client) {
      const { schedulerConfig: configuration } = settings
      const running = await startScheduler({
        ...{ client, outside, configuration, metrics: placing },
        announce(scheduler) {
          placing.follow(scheduler)
          return server.explanations.use(scheduler)
        },
      })
      return Object.assign(running, { what: 'placing pods' })
    },
  }
  const begin = settings.store.engine === 'etcd' ? standForLease : startAtOnce
  await Promise.all([scheduler, controllers].map(manager => begin(manager, options, stack, api.components)))
}

/** Others may serve the same store: whoever holds the lease works. */
function standForLease(
  { part, component, lease, client, start }: Manager,
  { outside, report }: ClusterOptions,
  stack: Disposal,
  components: Components,
) {
  components.set(component, leaseCheck(client, outside.clock, lease))
  const stop = new AbortController()
  const ended = runElected({ client, outside, name: lease, signal: stop.signal, start })
  stack.defer(async () => {
    stop.abort()
    await ended
  }, part)
  report({ part, state: 'ready', detail: `standing for the lease ${lease}` })
}

function startAtOnce(
  { part, component, client, start }: Manager,
  { report }: ClusterOptions,
  stack: Disposal,
  components: Components,
): Promise<void> {
  components.set(component, () => 'it is starting')
  return asPart(report, part, 'starting', async () => {
    const running = stack.use(await start(client), part)
    stack.defer(() => components.set(component, () => 'it has stopped'), part)
    components.set(component, () => undefined)
    return [undefined, running.what]
  })
}

type Components = RunningServer['api']['components']

interface Surroundings {
  asked: AskedPorts
  told: ControllerMetrics
  csiDrivers: ReturnType<typeof openCsiDrivers>['all']
}

function reconcilersOf({ settings, outside }: ClusterOptions, { pki }: RunningServer, around: Surroundings) {
  return allReconcilers({
    settings,
    ca: { current: () => pki.ca.cert, follow: pki.follow },
    signer: certificateSigner(current(pki, 'ca'), outside),
    gateway: { addresses: [nodeIp()], engine: engineOf(settings), asked: around.asked },
    net: outside.net,
    metrics: around.told,
    csiDrivers: around.csiDrivers,
    simulated: settings.runtime === 'simulated',
    ...loadBalancing(settings),
  })
}

const loadBalancing = (settings: Settings) => ({
  ...(settings.loadBalancer === 'nodes' ? { reservedPorts: reservedPorts(settings) } : {}),
  ...(settings.loadBalancerPool ? { addressPool: parsePool(settings.loadBalancerPool) } : {}),
})
