import { currentLeaks, IpamBlock, IpPool, poolUsage, releaseLeaks } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { formatObject, formatTable } from '../../output.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface ShowFlags extends CalicoFlags {
  output?: string
}

interface ReleaseFlags extends CalicoFlags {
  address?: string
  yes?: boolean
}

export const ipam: CliCommand = {
  register(program, outside) {
    const { terminal } = outside
    const group = program.command('ipam').description('which addresses are given out, and which are leaked')
    withDatastore(group.command('show'))
      .description('how full each pool and block is')
      .option('-o, --output <form>', 'json or yaml; a table unless given')
      .action((flags: ShowFlags) =>
        withCalico(outside, flags, async ({ datastore }) => {
          const usage = poolUsage(await datastore.list(IpPool), await datastore.list(IpamBlock))
          if (flags.output === 'json' || flags.output === 'yaml')
            return terminal.out(formatObject({ pools: usage }, flags.output))
          const rows = usage.flatMap(p => [
            [p.pool, p.cidr, '', `${p.used} of ${p.size}`],
            ...p.blocks.map(b => ['', `  ${b.cidr}`, b.node ?? '<none>', `${b.used} of ${b.size}`]),
          ])
          terminal.out(formatTable(['POOL', 'NETWORK', 'NODE', 'USED'], rows))
        }),
      )
    withDatastore(group.command('release'))
      .description('addresses that nobody has any more; gives them back with --yes')
      .option('--address <ip>', 'only this one')
      .option('--yes', 'do it')
      .action((flags: ReleaseFlags) =>
        withCalico(outside, flags, async ({ datastore, remote }) => {
          const chosen = (leak: { address: string }) => !flags.address || leak.address === flags.address
          const leaks = flags.yes
            ? await releaseLeaks(datastore, remote.client, chosen)
            : (await currentLeaks(datastore, remote.client)).filter(chosen)
          if (!leaks.length)
            return terminal.out(flags.address ? `${flags.address} is not leaked.\n` : 'No address is leaked.\n')
          terminal.out(
            formatTable(
              ['ADDRESS', 'BLOCK', 'WHY'],
              leaks.map(l => [l.address, l.block, l.reason]),
            ),
          )
          terminal.out(flags.yes ? `${leaks.length} released\n` : `${leaks.length} leaked; release them with --yes\n`)
        }),
      )
  },
}
