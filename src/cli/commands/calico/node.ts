import { calicoStatus, type NodeReport } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { UsageError } from '../../failure.ts'
import { formatObject, formatTable } from '../../output.ts'
import { type CalicoFlags, type Session, withCalico, withDatastore } from './session.ts'

export const node: CliCommand = {
  register(program, outside) {
    const { terminal } = outside
    const group = program.command('node').description('nodes as Calico sees them')
    withDatastore(group.command('list'))
      .description('address, tunnel and blocks of each')
      .action((flags: CalicoFlags) =>
        withCalico(outside, flags, async session => {
          const rows = (await reports(session)).map(n => [
            n.node,
            n.address ?? '<none>',
            n.tunnel ?? '<none>',
            n.blocks.join(', '),
            String(n.problems.length),
          ])
          terminal.out(formatTable(['NODE', 'ADDRESS', 'TUNNEL', 'BLOCKS', 'PROBLEMS'], rows))
        }),
      )
    withDatastore(group.command('show <name>'))
      .description('one node, with its problems')
      .action((name: string, flags: CalicoFlags) =>
        withCalico(outside, flags, async session => {
          const found = (await reports(session)).find(n => n.node === name)
          if (!found) throw new UsageError(`there is no node ${name}`, { hint: 'See "optiflow calico node list".' })
          terminal.out(formatObject(found, 'yaml'))
        }),
      )
  },
}

const reports = async ({ remote, datastore }: Session): Promise<NodeReport[]> =>
  (await calicoStatus(remote.client, datastore)).nodes
