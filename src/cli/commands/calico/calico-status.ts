import { type CalicoStatus, calicoStatus as look, type NodeReport } from '../../../main/calico.ts'
import type { CliCommand, Outside } from '../../command.ts'
import { UsageError } from '../../failure.ts'
import { formatObject, formatTable } from '../../output.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface Flags extends CalicoFlags {
  output?: string
  bgp: boolean
}

export const calicoStatus: CliCommand = {
  register(program, outside) {
    withDatastore(program.command('status'))
      .description('how Calico is on each node, and what is wrong')
      .option('-o, --output <form>', 'json or yaml; text unless given')
      .option('--no-bgp', 'do not ask nodes for their BGP sessions; nothing is written')
      .action((flags: Flags) =>
        withCalico(outside, flags, async ({ remote, datastore, world }) => {
          const question = flags.bgp ? { clock: world.clock, signal: outside.signal } : undefined
          const status = await look(remote.client, datastore, question)
          if (flags.output === 'json' || flags.output === 'yaml')
            outside.terminal.out(formatObject(status, flags.output))
          else print(outside, status)
          if (!status.healthy)
            throw new UsageError('Calico is not well', { hint: 'What is wrong is said above, node by node.' })
        }),
      )
  },
}

function print({ terminal }: Outside, { version, datastore, datastoreReady, pools, nodes, bgp }: CalicoStatus): void {
  const { paint } = terminal
  terminal.out(`Calico     ${version ?? paint.red('not installed')}\n`)
  terminal.out(`Datastore  ${datastore}, ${datastoreReady ? 'ready' : paint.red('not marked ready: Calico waits')}\n`)
  terminal.out(`BGP        ${bgp}\n\n`)
  if (pools.length) {
    const rows = pools.map(p => [p.pool, p.cidr, `${p.used} of ${p.size}`, String(p.blocks.length)])
    terminal.out(`${formatTable(['POOL', 'CIDR', 'USED', 'BLOCKS'], rows)}\n`)
  }
  const rows = nodes.map(n => [
    n.node,
    n.problems.length ? 'trouble' : n.ready ? 'well' : 'not ready',
    n.address ?? '<none>',
    n.tunnel ?? '<none>',
    String(n.blocks.length),
    String(n.used),
    bgpText(n),
  ])
  terminal.out(formatTable(['NODE', 'STATE', 'ADDRESS', 'TUNNEL', 'BLOCKS', 'USED', 'BGP'], rows))
  for (const { node, problems } of nodes)
    for (const problem of problems) terminal.out(`${paint.red('✖')} ${node}: ${problem}\n`)
}

/** `2 of 3 up` */
function bgpText({ bgp }: NodeReport): string {
  if (!bgp) return '<none>'
  if ('unknown' in bgp) return 'unknown'
  return `${bgp.sessions.filter(s => s.state === 'Established').length} of ${bgp.sessions.length} up`
}
