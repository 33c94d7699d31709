import { Disposal } from '../base/disposal.ts'
import { OptiFlowError } from '../base/errors.ts'
import { createClient, inProcessTransport } from '../client/index.ts'
import { AskedPorts } from '../gateway/index.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { startGateway } from './gateway-part.ts'
import { gatewayUser } from './identities.ts'
import { defaultKubeconfig, mergeKubeconfig } from './kubeconfig.ts'
import { startManagers } from './managers.ts'
import { startNodesHere } from './nodes-here.ts'
import { asPart } from './part.ts'
import { checkMachine } from './preflight.ts'
import { removeRunFile, runningCluster, writeKubeconfigNote, writeRunFile } from './run-file.ts'
import { startServer } from './server.ts'
import { keepAdminKey } from './server-keys.ts'

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

/** Two clusters on one data folder would take each other's keys and notes. */
export class AlreadyRunning extends OptiFlowError {}

/** `optiflow up`: everything in one process, in the order it starts. What fails stops what had started. */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { settings, outside, report, signal } = options
  const { disk, clock } = outside
  const other = await runningCluster(disk, clock, settings.dataDir)
  // The store's lock does not tell when one of the two has none here: in memory, or in etcd.
  if (other && other.pid !== process.pid)
    throw new AlreadyRunning(`a cluster runs from ${settings.dataDir} already: process ${other.pid} at ${other.url}`, {
      hint: 'End it with "optiflow down", or name another folder with --data-dir.',
    })
  if (settings.runtime === 'containerd') await checkMachine(disk, settings.network)
  const stack = new Disposal({
    clock,
    limitMs: stopLimitMs,
    late: part => outside.log.warn({ part }, 'did not stop in time; going on without it'),
  })
  try {
    const server = stack.use(await startServer({ settings, outside, report }), 'server')
    const asked = new AskedPorts()
    await startManagers(options, server, asked, stack)
    signal.throwIfAborted()
    const nodes = await startNodesHere(options, server, stack)
    const client = createClient(inProcessTransport(server.api.handler, gatewayUser), clock)
    const gateway = await startGateway({
      ...{ settings, client, pki: server.pki, metrics: server.api.metrics, asked, outside, report },
    })
    if (gateway) stack.use(gateway, 'gateway')

    const kubeconfig = settings.kubeconfig ?? defaultKubeconfig()
    const { url, pki } = server
    const write = () => mergeKubeconfig(disk, kubeconfig, context, { server: url, ca: pki.ca.cert, ...pki.admin })
    const current = await asPart(report, 'kubeconfig', kubeconfig, async () => [
      await write(),
      `${kubeconfig}, context ${context}`,
    ])
    stack.defer(keepAdminKey(pki, async () => void (await write()), outside))
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
