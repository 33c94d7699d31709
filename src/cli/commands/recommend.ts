import type { Recommendation as RecommendationObject } from '../../models/kinds/index.ts'
import { DaemonSet, Deployment, Recommendation, StatefulSet } from '../../models/kinds/index.ts'
import { recommendationName } from '../../models/kinds/optiflow/recommendation.ts'
import type { Container } from '../../models/types/core-v1.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatObject, formatTable } from '../output.ts'
import { recommendationRows } from '../recommendation-text.ts'

interface Flags extends ConnectionFlags {
  allNamespaces?: boolean
  output?: string
}

/** How people call them. */
const kinds = [
  { called: /^deploy(ments?)?$/, kind: Deployment },
  { called: /^(sts|statefulsets?)$/, kind: StatefulSet },
  { called: /^(ds|daemonsets?)$/, kind: DaemonSet },
]

export const recommend: CliCommand = {
  register(program, outside) {
    withConnection(program.command('recommend [workload]'))
      .description('how much processor and memory the containers of a workload should ask for, by what they have used')
      .option('-A, --all-namespaces', 'in every namespace')
      .option('-o, --output <form>', 'json or yaml')
      .action((workload: string | undefined, flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, workload, flags)),
      )
  },
}

async function run({ terminal }: Outside, remote: Remote, workload: string | undefined, flags: Flags): Promise<void> {
  const { output } = flags
  if (output !== undefined && output !== 'json' && output !== 'yaml')
    throw new UsageError(`unknown output form "${output}"`, { hint: 'Use -o json or -o yaml.' })
  const found = workload
    ? [await remote.client.get(Recommendation, { namespace: remote.namespace, name: nameFor(workload) })]
    : (await remote.client.list(Recommendation, flags.allNamespaces ? {} : { namespace: remote.namespace })).items
  if (output) return terminal.out(formatObject(workload ? found[0] : found, output))
  const rows: string[][] = []
  for (const one of found) rows.push(...recommendationRows(one, await containersOf(one, remote), flags.allNamespaces))
  if (!rows.length) return terminal.err('Nothing was measured yet: what has just started follows within minutes.\n')
  const place = flags.allNamespaces ? ['NAMESPACE'] : []
  terminal.out(
    formatTable([...place, 'WORKLOAD', 'CONTAINER', 'RESOURCE', 'ASKS FOR', 'LOWER', 'TARGET', 'UPPER'], rows),
  )
}

/** @throws UsageError if it is no workload */
function nameFor(workload: string): string {
  const [word = '', name] = workload.split('/')
  const known = kinds.find(k => k.called.test(word.toLowerCase()))
  if (!known || !name)
    throw new UsageError(`"${workload}" is not a workload`, {
      hint: 'Write deploy/NAME, sts/NAME or ds/NAME, or nothing for all of them.',
    })
  return recommendationName(known.kind.kind, name)
}

/** Those of the workload's template; none if it is gone. */
async function containersOf({ spec, metadata }: RecommendationObject, { client }: Remote): Promise<Container[]> {
  const kind = kinds.find(k => k.kind.kind === spec.targetRef?.kind)?.kind as typeof Deployment | undefined
  if (!kind) return []
  const key = { namespace: metadata.namespace!, name: spec.targetRef!.name! }
  const workload = await client.get(kind, key).catch(() => undefined)
  return workload?.spec.template.spec?.containers ?? []
}
