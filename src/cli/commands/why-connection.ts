import type { Command } from 'commander'
import { type ConnectionExplanation, type SideVerdict, whyConnection } from '../../main/calico.ts'
import type { Outside } from '../command.ts'
import { UsageError } from '../failure.ts'
import { formatObject } from '../output.ts'
import { type CalicoFlags, withCalico } from './calico/session.ts'

export interface ConnectionQuestionFlags extends CalicoFlags {
  protocol?: string
  output?: string
}

export function withConnectionQuestion(command: Command): Command {
  return command
    .option('--protocol <name>', 'TCP, UDP or SCTP', 'TCP')
    .option('-o, --output <form>', 'json or yaml; text unless given')
}

/** @throws UsageError */
export function protocolOf({ protocol: given }: ConnectionQuestionFlags): 'TCP' | 'UDP' | 'SCTP' {
  const protocol = (given ?? 'TCP').toUpperCase()
  if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP')
    throw new UsageError(`--protocol: "${given}" is not one of TCP, UDP, SCTP`)
  return protocol
}

/** Prints which policies and rules decide about a connection. @throws UsageError, BadEnd */
export async function explainConnection(
  outside: Outside,
  from: string,
  to: string,
  flags: ConnectionQuestionFlags,
): Promise<void> {
  const protocol = protocolOf(flags)
  await withCalico(outside, flags, async ({ remote, datastore }) => {
    const { namespace } = remote
    const explanation = await whyConnection(remote.client, datastore, { from, to, protocol, namespace })
    const { output } = flags
    outside.terminal.out(
      output === 'json' || output === 'yaml' ? formatObject(explanation, output) : connectionText(explanation),
    )
  })
}

/** The explanation as people read it. */
export function connectionText({
  from,
  to,
  port,
  protocol,
  allowed,
  enforcedBy,
  sides,
}: ConnectionExplanation): string {
  const head = `${from} → ${to} at ${port}/${protocol}: ${allowed ? 'allowed' : 'not allowed'}\nEnforced by ${enforcedBy}.\n`
  return head + sides.map(sideText).join('')
}

function sideText({ direction, allowed, reason, policies }: SideVerdict): string {
  const lines = policies.map(
    ({ policy, verdict, rule, detail }) => `    ${policy} ${verdict}${rule ? ` by ${rule}` : ''}: ${detail}\n`,
  )
  return `\n${allowed ? '✔' : '✖'} ${direction === 'egress' ? 'out of the source' : 'into the destination'}: ${reason}\n${lines.join('')}`
}
