import { hostname } from 'node:os'
import { cleanHost, uninstall as run } from '../../../main/calico.ts'
import { Node } from '../../../models/kinds/index.ts'
import type { CliCommand } from '../../command.ts'
import { UsageError } from '../../failure.ts'
import { partLines } from '../../progress.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface Flags extends CalicoFlags {
  keepData?: boolean
  force?: boolean
  timeout: string
  nodeName: string
}

export const uninstall: CliCommand = {
  register(program, outside) {
    withDatastore(program.command('uninstall'))
      .description('take Calico out of the cluster and off this machine; can be run again at any point')
      .option('--keep-data', 'keep its definitions, and with them pools and policies')
      .option('--force', "although pods have addresses of Calico's: they are cut off")
      .option('--node-name <name>', 'the node that this machine is', hostname().toLowerCase())
      .option('--timeout <seconds>', 'longest wait of one step', '120')
      .action((flags: Flags) =>
        withCalico(outside, flags, async ({ remote, world }) => {
          const seconds = Number(flags.timeout)
          if (!(seconds > 0)) throw new UsageError(`--timeout: "${flags.timeout}" is not a number of seconds above 0`)
          const nodes = (await remote.client.list(Node)).items.map(n => n.metadata.name)
          const { commands, disk, clock } = world
          const root = process.getuid?.() === 0
          const lines = partLines(outside.terminal)
          await run({
            client: remote.client,
            keepData: flags.keepData ?? false,
            force: flags.force ?? false,
            cleanHost: root && nodes.includes(flags.nodeName) ? () => cleanHost(commands, disk) : undefined,
            progress: { report: lines.report, clock, timeoutMs: seconds * 1000, signal: outside.signal },
          })
          const others = nodes.filter(name => name !== flags.nodeName)
          if (others.length)
            outside.terminal.out(
              `\nOn ${others.slice(0, 10).join(', ')}${others.length > 10 ? ', …' : ''} run: optiflow calico clean-host\n`,
            )
        }),
      )
  },
}
