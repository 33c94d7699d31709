import { join } from 'node:path'
import { collectNowAndThen } from '../../base/garbage.ts'
import { createLogger } from '../../base/logger.ts'
import { prepareDataDir } from '../../main/data-dir.ts'
import { aborted } from '../../main/elected.ts'
import { startJoinedNode } from '../../main/joined-node.ts'
import { systemOutside } from '../../main/outside.ts'
import { notePart } from '../../main/run-file.ts'
import type { CliCommand } from '../command.ts'
import { UsageError } from '../failure.ts'
import { partLines } from '../progress.ts'
import { nodeFlags, settingsOf, withSettings } from './settings-flags.ts'

export const agent: CliCommand = {
  register(program, outside) {
    withSettings(program.command('agent'), [
      'data-dir',
      'runtime',
      'container-runtime-endpoint',
      'node-name',
      'cluster-cidr',
      'service-cidr',
      'cluster-domain',
      'network',
      'cni-conf-dir',
      'cni-bin-dir',
      'network-policy',
      'log-level',
      ...nodeFlags,
    ])
      .description('run a node that joins a cluster')
      .requiredOption('--server <url>', 'address of the API server: https://10.0.0.1:6443')
      .option('--token <token>', 'lets it join the first time; "optiflow status" on the server prints it')
      .option('--node-ip <address>', 'address at which the others reach this node')
      .action(async (given: Record<string, unknown> & { server: string; token?: string; nodeIp?: string }) => {
        const settings = await settingsOf(outside, given)
        if (!/^https:\/\//.test(given.server))
          throw new UsageError(`--server: "${given.server}" is not an https:// address`)
        await prepareDataDir(outside.disk, settings.dataDir)
        const world = systemOutside(createLogger(settings.logLevel, join(settings.dataDir, 'logs/agent.log')))
        await using _note = await notePart(outside.disk, settings.dataDir, 'agent')
        const lines = partLines(outside.terminal)
        await using _node = await startJoinedNode({
          settings,
          server: given.server,
          token: given.token,
          ...(given.nodeIp ? { nodeIp: given.nodeIp } : {}),
          outside: world,
          report: lines.report,
          signal: outside.signal,
        })
        lines.settle()
        using _collection = collectNowAndThen(world.clock)
        await aborted(outside.signal)
        outside.terminal.out('\nStopping. Containers keep running.\n')
      })
  },
}
