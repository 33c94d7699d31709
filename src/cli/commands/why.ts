import type { Explanation } from '../../main/explanations.ts'
import { type CliCommand, type Outside, withRemote } from '../command.ts'
import { explanationText } from '../explanation-text.ts'
import { UsageError } from '../failure.ts'
import { formatObject } from '../output.ts'
import { withDatastore } from './calico/session.ts'
import { type ConnectionQuestionFlags, explainConnection, withConnectionQuestion } from './why-connection.ts'

type Flags = ConnectionQuestionFlags

export const why: CliCommand = {
  register(program, outside) {
    const command = withDatastore(program.command('why <what> [from] [to]'))
    withConnectionQuestion(command)
      .description(
        'why a pod is where it is, or nowhere; "why connection pod/a pod/b:80": which policies decide about it',
      )
      .action((what: string, from: string | undefined, to: string | undefined, flags: Flags) =>
        what === 'connection' ? connection(outside, from, to, flags) : run(outside, what, flags),
      )
  },
}

async function connection(outside: Outside, from: string | undefined, to: string | undefined, flags: Flags) {
  if (!from || !to)
    throw new UsageError('a connection has two ends', { hint: 'Write "optiflow why connection pod/a pod/b:80".' })
  await explainConnection(outside, from, to, flags)
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
