import type { Explanation } from '../../main/explanations.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { explanationText } from '../explanation-text.ts'
import { UsageError } from '../failure.ts'
import { formatObject } from '../output.ts'

interface Flags extends ConnectionFlags {
  output?: string
}

export const why: CliCommand = {
  register(program, outside) {
    withConnection(program.command('why <pod>'))
      .description('why a pod is where it is, or nowhere, and what would let it in')
      .option('-o, --output <form>', 'json or yaml; text unless given')
      .action((pod: string, flags: Flags) => run(outside, pod, flags))
  },
}

async function run(outside: Outside, pod: string, flags: Flags): Promise<void> {
  const name = /^(?:pods?|po)\/(.+)$/.exec(pod)?.[1] ?? pod
  if (name.includes('/'))
    throw new UsageError(`"${pod}" is not a pod`, { hint: 'Only pods are explained: "optiflow why pod/web-1".' })
  const { output } = flags
  if (output !== undefined && output !== 'json' && output !== 'yaml')
    throw new UsageError(`unknown output form "${output}"`, { hint: 'Use -o json or -o yaml.' })
  await withRemote(outside, flags, async remote => {
    const path = `/apis/optiflow.dev/v1/namespaces/${remote.namespace}/pods/${encodeURIComponent(name)}/explanation`
    const explanation = await remote.json<Explanation>('GET', path)
    outside.terminal.out(output ? formatObject(explanation, output) : explanationText(explanation))
  })
}
