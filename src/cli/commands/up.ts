import { join } from 'node:path'
import { sleep } from '../../base/clock.ts'
import { collectNowAndThen } from '../../base/garbage.ts'
import { createLogger } from '../../base/logger.ts'
import { type RunningCluster, startCluster } from '../../main/cluster.ts'
import { prepareDataDir } from '../../main/data-dir.ts'
import { aborted } from '../../main/elected.ts'
import { systemOutside } from '../../main/outside.ts'
import type { Settings } from '../../main/settings.ts'
import type { CliCommand, Outside } from '../command.ts'
import { startDetached } from '../detached-cluster.ts'
import { partLines } from '../progress.ts'
import {
  auditFlags,
  controllerFlags,
  flagsAgain,
  nodeFlags,
  oidcFlags,
  settingsOf,
  storeFlags,
  withSettings,
} from './settings-flags.ts'
import { unreachableApiNote } from './up-notes.ts'

export const up: CliCommand = {
  register(program, outside) {
    withSettings(program.command('up'), [
      'data-dir',
      'listen',
      'store',
      'runtime',
      'container-runtime-endpoint',
      'nodes',
      'node-name',
      'kubeconfig',
      'cluster-cidr',
      'service-cidr',
      'cluster-domain',
      'network',
      'cni-conf-dir',
      'cni-bin-dir',
      'network-policy',
      'gateway',
      'gateway-engine',
      'acme-directory',
      'acme-email',
      'load-balancer',
      'load-balancer-pool',
      ...oidcFlags,
      'authentication-config',
      'authorization-config',
      'authorization-policy-file',
      'token-auth-file',
      'service-account-issuer',
      'service-account-jwks-uri',
      'api-audiences',
      'admission-control-config-file',
      ...auditFlags,
      'scheduler-config',
      'log-level',
      ...storeFlags,
      ...controllerFlags,
      ...nodeFlags,
      'csi-driver',
    ])
      .description('start a cluster on this machine')
      .option('--detach', 'return when it is ready; it goes on in the background')
      .action(async (given: Record<string, unknown>) => {
        const settings = await settingsOf(outside, given)
        await prepareDataDir(outside.disk, settings.dataDir)
        if (given['detach']) await startDetached(outside, settings, flagsAgain(given))
        else await runInForeground(outside, settings)
      })
  },
}

/** A start that was interrupted has so long to end what it had started. */
const stopLimitMs = 10_000

async function runInForeground(outside: Outside, settings: Settings): Promise<void> {
  const { terminal } = outside
  const log = createLogger(settings.logLevel, join(settings.dataDir, 'logs/optiflow.log'))
  const lines = partLines(terminal)
  const world = systemOutside(log)
  const starting = startCluster({ settings, outside: world, report: lines.report, signal: outside.signal })
  const cluster = await Promise.race([starting, aborted(outside.signal)])
  if (!cluster) {
    // What had started is ended in order, if that does not take too long.
    const ended = starting.then(late => late[Symbol.asyncDispose]()).catch(() => {})
    await Promise.race([ended, sleep(outside.clock, stopLimitMs)])
    return
  }
  lines.settle()
  printWelcome(outside, settings, cluster)
  using _collection = collectNowAndThen(world.clock)
  await aborted(outside.signal)
  terminal.out('\nStopping …\n')
  await cluster[Symbol.asyncDispose]()
  if (settings.runtime === 'containerd')
    terminal.out('Containers keep running; "optiflow up" takes them over again, "optiflow down" stops them.\n')
}

function printWelcome(
  { terminal }: Outside,
  settings: Settings,
  cluster: Pick<RunningCluster, 'url' | 'kubeconfig' | 'current'>,
): void {
  const { paint } = terminal
  if (process.versions.node.startsWith('20.'))
    terminal.out(paint.dim(`Node ${process.versions.node} is past its end of life; 22 and 24 work too.\n`))
  if (settings.runtime === 'simulated')
    terminal.out(`${paint.yellow('SIMULATED')} pods are simulated: nothing really runs on these nodes.\n`)
  const unreachable = unreachableApiNote(settings)
  if (unreachable) terminal.out(`${paint.yellow('!')} ${unreachable}\n`)
  const flag = settings.kubeconfig
    ? ` --kubeconfig ${settings.kubeconfig}`
    : cluster.current
      ? ''
      : ' --context optiflow'
  terminal.out(`\nThe API answers at ${paint.cyan(cluster.url)} (for people: ${cluster.url}/docs)\n`)
  terminal.out(`  kubectl${flag} get nodes\n`)
}
