import { Disposal } from '../base/disposal.ts'
import { type Client, createClient, inProcessTransport } from '../client/index.ts'
import { parsePool } from '../discovery/index.ts'
import { MissingPorts } from '../gateway/index.ts'
import { nodeIp } from './addresses.ts'
import { startAgentServer } from './agent-server.ts'
import { controllerMetrics } from './controller-metrics/index.ts'
import { startControllers } from './controllers.ts'
import { openCsiDrivers } from './csi-drivers.ts'
import { runElected } from './elected.ts'
import { acmeOf, engineOf, isGatewayOn, portTaken, reservedPorts, startGateway } from './gateway-part.ts'
import { startGatewayStatuses } from './gateway-statuses.ts'
import { controllerUser, gatewayUser, networkUser, nodeUser, schedulerUser, simulatedNodesUser } from './identities.ts'
import { defaultKubeconfig, mergeKubeconfig } from './kubeconfig.ts'
import { startNode } from './node.ts'
import type { OutsideWorld } from './outside.ts'
import { asPart, type Report } from './part.ts'
import { checkMachine } from './preflight.ts'
import { queueMetrics } from './queue-metrics.ts'
import { allReconcilers } from './reconcilers.ts'
import { removeRunFile, writeKubeconfigNote, writeRunFile } from './run-file.ts'
import { startScheduler } from './scheduling.ts'
import { type RunningServer, startServer } from './server.ts'
import type { Settings } from './settings.ts'
import { certificateSigner } from './signing.ts'
import { startSimulatedNodes } from './simulated-nodes.ts'

export interface ClusterOptions {
  settings: Settings
  outside: OutsideWorld
  report: Report
  /** Ends a start that is still under way. */
  signal: AbortSignal
}

export interface RunningCluster extends AsyncDisposable {
  url: string
  kubeconfig: string
  context: string
  /** Whether kubectl uses our context without being told. */
  current: boolean
}

const context = 'optiflow'

/** A part that has not stopped after so long is left: the process ends anyway, and nothing acknowledged is in memory only. */
const stopLimitMs = 10_000

/** `optiflow up`: everything in one process, in the order it starts. What fails stops what had started. */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { settings, outside, report, signal } = options
  const { disk, clock } = outside
  if (settings.runtime === 'containerd') await checkMachine(disk, settings.network)
  const stack = new Disposal({
    clock,
    limitMs: stopLimitMs,
    late: part => outside.log.warn({ part }, 'did not stop in time; going on without it'),
  })
  try {
    const server = stack.use(await startServer({ settings, outside, report }), 'server')
    const missing = new MissingPorts()
    const nodes = await startManagersAndNodes(options, server, missing, stack)
    const client = createClient(inProcessTransport(server.api.handler, gatewayUser), clock)
    const gateway = await startGateway({
      ...{ settings, client, pki: server.pki, metrics: server.api.metrics, missing, outside, report },
    })
    if (gateway) stack.use(gateway, 'gateway')

    const kubeconfig = settings.kubeconfig ?? defaultKubeconfig()
    const { url, pki } = server
    const current = await asPart(report, 'kubeconfig', kubeconfig, async () => {
      const isCurrent = await mergeKubeconfig(disk, kubeconfig, context, {
        server: url,
        ca: pki.ca.cert,
        cert: pki.admin.cert,
        key: pki.admin.key,
      })
      return [isCurrent, `${kubeconfig}, context ${context}`]
    })
    await writeKubeconfigNote(disk, settings.dataDir, { kubeconfig, context })
    signal.throwIfAborted()
    await writeRunFile(disk, settings.dataDir, {
      pid: process.pid,
      startedAt: new Date(clock.now()).toISOString(),
      url,
      listen: settings.listen.host,
      runtime: settings.runtime,
      nodes,
      kubeconfig,
      context,
    })
    stack.defer(() => removeRunFile(disk, settings.dataDir))
    return { url, kubeconfig, context, current, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

/** @returns the names of the nodes */
async function startManagersAndNodes(
  options: ClusterOptions,
  server: RunningServer,
  missing: MissingPorts,
  stack: Disposal,
): Promise<string[]> {
  const { settings, outside, report, signal } = options
  const { api, pki } = server
  const clientOf = (user: typeof controllerUser) => createClient(inProcessTransport(api.handler, user), outside.clock)

  const metrics = queueMetrics(api.metrics)
  const told = controllerMetrics(api.metrics)
  const manage = async (
    part: string,
    lease: string,
    client: Client,
    start: (client: Client) => Promise<AsyncDisposable & { what: string }>,
  ) => {
    if (settings.store.engine === 'etcd') {
      // Others may serve the same store: whoever holds the lease works.
      const stop = new AbortController()
      const ended = runElected({ client, outside, name: lease, signal: stop.signal, start })
      stack.defer(async () => {
        stop.abort()
        await ended
      }, part)
      report({ part, state: 'ready', detail: `standing for the lease ${lease}` })
      return
    }
    await asPart(report, part, 'starting', async () => {
      const running = stack.use(await start(client), part)
      return [undefined, running.what]
    })
  }
  const drivers = openCsiDrivers(settings, outside)
  stack.defer(() => drivers[Symbol.dispose]())
  await Promise.all([
    manage('controllers', 'kube-controller-manager', clientOf(controllerUser), async client => {
      const controlling = new Disposal()
      if (isGatewayOn(settings))
        controlling.use(
          startGatewayStatuses({
            ...{ client, outside, metrics },
            addresses: [nodeIp()],
            ...{ portTaken: portTaken(settings), missing },
            acme: acmeOf(settings),
            engine: engineOf(settings),
          }),
        )
      const reconcilers = allReconcilers({
        settings,
        ca: pki.ca.cert,
        signer: certificateSigner(pki.ca, outside),
        gateway: { addresses: [nodeIp()], engine: engineOf(settings), missing },
        net: outside.net,
        metrics: told,
        csiDrivers: drivers.all,
        simulated: settings.runtime === 'simulated',
        ...(settings.loadBalancer === 'nodes' ? { reservedPorts: reservedPorts(settings) } : {}),
        ...(settings.loadBalancerPool ? { addressPool: parsePool(settings.loadBalancerPool) } : {}),
      })
      controlling.use(
        await startControllers({ client, outside, reconcilers, metrics, onSyncError: told.collectorSyncError }),
      )
      return Object.assign(controlling, {
        what: `${reconcilers.length} reconcilers and the garbage collector`,
      })
    }),
    manage('scheduler', 'kube-scheduler', clientOf(schedulerUser), async client =>
      Object.assign(
        await startScheduler({
          client,
          outside,
          configuration: settings.schedulerConfig,
          announce: server.explanations.use,
        }),
        {
          what: 'placing pods',
        },
      ),
    ),
  ])
  signal.throwIfAborted()

  if (settings.nodes === 0) return []
  const ip = nodeIp()
  const serving = await pki.serving('node-server', {
    commonName: `system:node:${settings.nodeName}`,
    organizations: ['system:nodes'],
    ips: [ip, '127.0.0.1'],
    dnsNames: [settings.nodeName],
  })
  const keys = { ...serving, clientCa: pki.ca.cert }
  if (settings.runtime === 'containerd') {
    const node = stack.use(
      await startNode({
        settings,
        client: clientOf(nodeUser(settings.nodeName)),
        networkClient: clientOf(networkUser),
        nodeIp: ip,
        serving: keys,
        outside,
        report,
        signal,
      }),
      'node',
    )
    await node.networkReady
    return [settings.nodeName]
  }
  const names =
    settings.nodes === 1 ? [settings.nodeName] : Array.from({ length: settings.nodes }, (_, i) => `node-${i + 1}`)
  await asPart(report, 'nodes', `registering ${names.length}`, async () => {
    const agentServer = stack.use(
      await startAgentServer({ host: '127.0.0.1', port: 0, keys, client: clientOf(simulatedNodesUser), outside }),
      'server of the nodes',
    )
    stack.use(
      await startSimulatedNodes({
        client: clientOf(simulatedNodesUser),
        outside,
        names,
        folder: settings.dataDir,
        nodeIp: '127.0.0.1',
        server: agentServer,
      }),
      'nodes',
    )
    return [undefined, `${names.length} simulated: pods there do not really run`]
  })
  return names
}
