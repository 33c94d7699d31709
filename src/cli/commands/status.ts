import { readRunFile } from '../../main/run-file.ts'
import { type ClusterStatus, clusterHealth, localStatus, statusText } from '../cluster-status.ts'
import { type CliCommand, type Outside, withRemote } from '../command.ts'
import { UsageError } from '../failure.ts'
import { formatObject } from '../output.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

export const status: CliCommand = {
  register(program, outside) {
    withSettings(program.command('status'), ['data-dir', 'kubeconfig'])
      .description('what runs, and whether it is well; code 1 when it is not running')
      .option('-o, --output <form>', 'json or yaml; text unless given')
      .action((given: Record<string, unknown>) => run(outside, given))
  },
}

async function run(outside: Outside, given: Record<string, unknown>): Promise<void> {
  const { output } = given
  if (output !== undefined && output !== 'json' && output !== 'yaml')
    throw new UsageError(`unknown output form "${output}"`, { hint: 'Use -o json or -o yaml.' })
  const { dataDir, kubeconfig } = await settingsOf(outside, given)
  const noted = await readRunFile(outside.disk, dataDir)
  if (!noted)
    throw new UsageError(`no cluster runs from ${dataDir}`, {
      hint: 'Start one with "optiflow up", or name its folder with --data-dir.',
    })
  const found = await localStatus(outside, dataDir, noted)
  if (found.state === 'ready')
    found.health = await withRemote(
      outside,
      { kubeconfig: kubeconfig ?? noted.kubeconfig, context: noted.context },
      clusterHealth,
    )
  outside.terminal.out(output ? formatObject(found, output) : statusText(found, outside.terminal))
  refuseUnlessReady(found)
}

/** @throws UsageError, so that scripts see by the exit code alone that there is no cluster to talk to */
function refuseUnlessReady({ state }: ClusterStatus): void {
  if (state === 'stopped')
    throw new UsageError('the control plane is not running', {
      hint: 'Containers may go on. "optiflow up" takes over again; "optiflow down" cleans up.',
    })
  if (state === 'starting')
    throw new UsageError('the control plane is still starting', {
      hint: 'Ask again in a moment; "optiflow down" ends it.',
    })
}
