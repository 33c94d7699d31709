import type { Explanation } from '../../main/explanations.ts'
import { type CliCommand, type Outside, withRemote } from '../command.ts'
import { explanationText } from '../explanation-text.ts'
import { UsageError } from '../failure.ts'
import { formatObject } from '../output.ts'
import { podsOf } from '../pods-of.ts'
import { troubledPod, troubleText } from '../troubled-pod.ts'
import { withDatastore } from './calico/session.ts'
import { listEvents } from './events.ts'
import { type ConnectionQuestionFlags, explainConnection, withConnectionQuestion } from './why-connection.ts'

type Flags = ConnectionQuestionFlags

export const why: CliCommand = {
  register(program, outside) {
    const command = withDatastore(program.command('why <what> [from] [to]'))
    withConnectionQuestion(command)
      .description(
        'why a pod is where it is, or nowhere, or not ready: pod/web-1, workload/web; "why connection pod/a pod/b:80": which policies decide about it',
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

async function run(outside: Outside, target: string, flags: Flags): Promise<void> {
  const { output } = flags
  if (output !== undefined && output !== 'json' && output !== 'yaml')
    throw new UsageError(`unknown output form "${output}"`, { hint: 'Use -o json or -o yaml.' })
  await withRemote(outside, flags, async remote => {
    const pods = await podsOf(remote, target)
    const pod = troubledPod(pods)
    const { name } = pod.metadata
    const root = `/apis/optiflow.dev/v1/namespaces/${remote.namespace}`
    const explanation = await remote.json<Explanation>('GET', `${root}/pods/${encodeURIComponent(name)}/explanation`)
    if (output) {
      outside.terminal.out(formatObject(explanation, output))
      return
    }
    // Not of an earlier pod of this name. They are evidence, and who may not read them learns the rest.
    const about = `involvedObject.uid=${pod.metadata.uid}`
    const events = await listEvents(remote, remote.namespace, about).catch(() => [])
    const trouble = troubleText(pod, events)
    const which = trouble || explanation.state !== 'Placed' ? 'The worst off' : 'One'
    if (pods.length > 1) outside.terminal.out(`${which} of the ${pods.length} pods of ${target}:\n\n`)
    outside.terminal.out(explanationText(explanation, trouble))
  })
}
