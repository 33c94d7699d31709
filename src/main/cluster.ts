import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { Disposal } from '../base/disposal.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import { bracketed } from '../base/ip.ts'
import { createClient, inProcessTransport } from '../client/index.ts'
import { AskedPorts } from '../gateway/index.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { startGateway } from './gateway-part.ts'
import { gatewayUser } from './identities.ts'
import { startManagers } from './managers.ts'
import { startNodesHere } from './nodes-here.ts'
import { context, keepOwnKubeconfig, ownKubeconfig } from './own-kubeconfig.ts'
import { asPart } from './part.ts'
import { checkMachine } from './preflight.ts'
import { AlreadyRunning, noted, type RunFile, removeRunFileOf, runningCluster, writeRunFile } from './run-file.ts'
import { startServer } from './server.ts'
import type { Settings } from './settings.ts'

export interface RunningCluster extends AsyncDisposable {
  url: string
  kubeconfig: string
  context: string
  /** Whether kubectl uses our context without being told. */
  current: boolean
}

/** A part that has not stopped after so long is left: the process ends anyway, and nothing acknowledged is in memory only. */
const stopLimitMs = 10_000

/**
 * `optiflow up`: everything in one process, in the order it starts. What fails stops what had started.
 * @throws AlreadyRunning: two clusters on one data folder would take each other's keys and notes
 */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { settings, outside, report, signal } = options
  const { disk, clock } = outside
  const other = await runningCluster(disk, settings.dataDir)
  // The store's lock does not tell when one of the two has none here: in memory, or in etcd.
  if (other && other.pid !== process.pid)
    throw new AlreadyRunning(
      `${settings.dataDir}, of the cluster at ${other.url}, is in use by the process ${other.pid}`,
      {
        hint: 'End it with "optiflow down", or name another data folder with --data-dir.',
      },
    )
  const stack = new Disposal({
    clock,
    limitMs: stopLimitMs,
    late: part => outside.log.warn({ part }, 'did not stop in time; going on without it'),
  })
  const run = await startingRun({ settings, clock, disk }, process.pid)
  const { kubeconfig } = run
  // Before anything that must be ended again: "optiflow down" ends a start that hangs, too.
  await writeRunFile(disk, settings.dataDir, run)
  stack.defer(() => removeRunFileOf(disk, settings.dataDir, process.pid))
  try {
    if (settings.runtime === 'containerd') await checkMachine(disk, settings.network)
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

    const { url, pki } = server
    const { current, letBe } = await asPart(report, 'kubeconfig', kubeconfig, async () => {
      const kept = await keepOwnKubeconfig({ ...{ settings, pki, url, outside }, path: kubeconfig, env: process.env })
      return [kept, kept.places]
    })
    stack.defer(letBe)
    signal.throwIfAborted()
    await writeRunFile(disk, settings.dataDir, { ...run, state: 'ready', url, nodes })
    return { url, kubeconfig, context, current, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
  } catch (error) {
    // Who looks into the log the morning after finds it there, too.
    if (!signal.aborted) outside.log.error({ error: explain(error), ...adviceOf(error) }, 'the cluster did not start')
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

const adviceOf = (error: unknown) => (error instanceof OptiFlowError && error.hint ? { hint: error.hint } : {})

/** What is known of a cluster before its first step. */
export async function startingRun(
  { settings, clock, disk }: { settings: Settings; clock: Clock; disk: Disk },
  pid: number,
): Promise<RunFile> {
  const { host, port } = settings.listen
  return {
    ...(await noted(disk, pid)),
    state: 'starting',
    startedAt: new Date(clock.now()).toISOString(),
    url: `https://${bracketed(host)}:${port}`,
    listen: host,
    runtime: settings.runtime,
    nodes: [],
    kubeconfig: await ownKubeconfig(settings, disk),
    context,
  }
}
