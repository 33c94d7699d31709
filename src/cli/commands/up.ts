import { join } from 'node:path'
import { sleep } from '../../base/clock.ts'
import { systemCommands } from '../../base/commands.ts'
import { collectNowAndThen } from '../../base/garbage.ts'
import { createLogger } from '../../base/logger.ts'
import { type RunningCluster, startCluster } from '../../main/cluster.ts'
import { prepareDataDir } from '../../main/data-dir.ts'
import { aborted } from '../../main/elected.ts'
import { systemOutside } from '../../main/outside.ts'
import { isRunning, readRunFile } from '../../main/run-file.ts'
import type { Settings } from '../../main/settings.ts'
import type { CliCommand, Outside } from '../command.ts'
import { UsageError } from '../failure.ts'
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
        if (given['detach']) await startDetached(outside, settings, given)
        else await runInForeground(outside, settings)
      })
  },
}

async function runInForeground(outside: Outside, settings: Settings): Promise<void> {
  const { terminal } = outside
  const log = createLogger(settings.logLevel, join(settings.dataDir, 'logs/optiflow.log'))
  const lines = partLines(terminal)
  const world = systemOutside(log)
  const starting = startCluster({ settings, outside: world, report: lines.report, signal: outside.signal })
  const cluster = await Promise.race([starting, aborted(outside.signal)])
  if (!cluster) return
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

/** Starts this same program again as a process of its own and waits until it is ready, relaying its lines. */
export async function startDetached(
  outside: Outside,
  settings: Settings,
  given: Record<string, unknown>,
): Promise<void> {
  const running = await readRunFile(outside.disk, settings.dataDir)
  if (running && (await isRunning(outside.disk, running))) {
    outside.terminal.out(`already running at ${running.url} (process ${running.pid})\n`)
    return
  }
  const args = ['up', ...flagsAgain(given)]
  const logPath = join(settings.dataDir, 'logs/up.out')
  await outside.disk.makeFolder(join(settings.dataDir, 'logs'))
  await outside.disk.write(logPath, '')
  const child = systemCommands.spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
    detached: true,
    logFile: logPath,
  })
  let ended = false
  void child.exited.finally(() => {
    ended = true
  })
  let printed = 0
  const relay = async () => {
    const text = await outside.disk.readText(logPath)
    outside.terminal.out(text.slice(printed))
    printed = text.length
  }
  for (;;) {
    await relay()
    const run = await readRunFile(outside.disk, settings.dataDir)
    if (run?.pid === child.pid) break
    if (ended) {
      await relay()
      throw new UsageError('the cluster did not start; its words are above', {
        hint: `Its log is ${join(settings.dataDir, 'logs/optiflow.log')}.`,
      })
    }
    await sleep(outside.clock, 50, outside.signal)
  }
  await sleep(outside.clock, 100)
  await relay()
  outside.terminal.out('It goes on in the background; "optiflow down" stops it.\n')
}
