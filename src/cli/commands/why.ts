import { asking } from '../../explain/asking.ts'
import { explainObject } from '../../explain/explain.ts'
import type { Explanation } from '../../main/explanations.ts'
import type { Pod } from '../../models/kinds/index.ts'
import { type CliCommand, type Outside, withRemote } from '../command.ts'
import type { Remote } from '../connection.ts'
import { explanationText, objectText } from '../explanation-text.ts'
import { UsageError } from '../failure.ts'
import { formatObject } from '../output.ts'
import { readWithPods } from '../pods-of.ts'
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
        'why something is as it is: pod/web-1, deploy/web, pvc/data, svc/web, node/n1, whatever there is; "why connection pod/a pod/b:80": which policies decide about it',
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
    const { object, pods } = await readWithPods(remote, target)
    const isPod = object.kind === 'Pod' && object.apiVersion === 'v1'
    const of = isPod ? undefined : await explainObject(object, asking(remote.client, outside.clock.now()))
    const pod = pods?.length ? troubledPod(pods) : undefined
    const about = pod && (await podExplained(remote, pod))
    if (output) {
      const pod = about?.explanation
      outside.terminal.out(formatObject(of ? { ...of, ...(pod ? { pod } : {}) } : pod!, output))
      return
    }
    const { out, paint } = outside.terminal
    if (of) out(objectText(of, paint))
    if (!about) return
    const { explanation, trouble } = about
    const amiss = trouble || explanation.state !== 'Placed'
    if (of) out(amiss ? `\nThe worst off of its pods (${pods!.length}):\n\n` : placedWell(pods!))
    if (amiss || isPod) out(explanationText(explanation, trouble))
  })
}

const placedWell = (pods: readonly Pod[]): string =>
  `\nNothing is amiss with its pods (${pods.length}). Why one is where it is: optiflow why pod/${pods[0]!.metadata.name}\n`

async function podExplained(remote: Remote, pod: Pod): Promise<{ explanation: Explanation; trouble: string }> {
  const { name, uid } = pod.metadata
  const root = `/apis/optiflow.dev/v1/namespaces/${remote.namespace}`
  const explanation = await remote.json<Explanation>('GET', `${root}/pods/${encodeURIComponent(name)}/explanation`)
  // Not of an earlier pod of this name. They are evidence, and who may not read them learns the rest.
  const events = await listEvents(remote, remote.namespace, `involvedObject.uid=${uid}`).catch(() => [])
  return { explanation, trouble: troubleText(pod, events) }
}
