import { systemOutside } from '../../main/outside.ts'
import { carryOut, planClusterRebalance, type RebalancePlan, type Rescue } from '../../main/rebalancing.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatObject, formatTable } from '../output.ts'

interface Flags extends ConnectionFlags {
  mostMoves: string
  apply?: boolean
  output?: string
}

export const rebalance: CliCommand = {
  register(program, outside) {
    withConnection(program.command('rebalance'))
      .description('the fewest moves of pods that let in those that wait; moves them only with --apply')
      .option('--most-moves <n>', 'pods to move in all', '10')
      .option('--apply', 'evict the pods of the plan, within their disruption budgets')
      .option('-o, --output <form>', 'json or yaml; text unless given')
      .action((flags: Flags) => run(outside, flags))
  },
}

async function run(outside: Outside, flags: Flags): Promise<void> {
  const { output, apply } = flags
  const mostMoves = Number(flags.mostMoves)
  if (!Number.isInteger(mostMoves) || mostMoves < 0)
    throw new UsageError(`--most-moves ${flags.mostMoves} is no number of pods`, {
      hint: 'Name a whole number from 0.',
    })
  if (output !== undefined && output !== 'json' && output !== 'yaml')
    throw new UsageError(`unknown output form "${output}"`, { hint: 'Use -o json or -o yaml.' })
  await withRemote(outside, flags, async ({ client }) => {
    const plan = await planClusterRebalance(client, systemOutside(), { mostMoves })
    outside.terminal.out(output ? formatObject(plan, output) : planText(plan))
    if (!apply) return
    for (const rescue of plan.rescues) outside.terminal.out(resultText(rescue, await carryOut(rescue, client)))
  })
}

function planText({ rescues, stuck }: RebalancePlan): string {
  const moving = rescues.filter(r => r.moves.length)
  const waiting = stuck === 1 ? 'pod that waits' : `${stuck} pods that wait`
  if (!moving.length) return stuck ? `No moves would help the ${waiting}.\n` : 'No pod waits for a move.\n'
  const rows = moving.flatMap(r => r.moves.map(m => [m.pod, m.from, m.to, `${r.pod} fits on ${r.node}`]))
  const count = rows.length === 1 ? '1 move lets' : `${rows.length} moves let`
  return `${formatTable(['MOVE', 'FROM', 'TO', 'SO THAT'], rows)}${count} in ${moving.length} of ${moving.length + stuck} pods that wait.\n`
}

function resultText({ pod, moves }: Rescue, refused: string | undefined): string {
  if (refused) return `${pod}: not carried out further, ${refused}\n`
  return moves.length ? `${pod}: ${moves.map(m => m.pod).join(', ')} evicted\n` : ''
}
