import { lastTimeOf } from '../../models/event-time.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { age, formatObject, formatTable, readOutputForm } from '../output.ts'
import { discover, findResource } from '../resource-names.ts'

interface Flags extends ConnectionFlags {
  allNamespaces?: boolean
  for?: string
  types?: string
  output?: string
}

export const events: CliCommand = {
  register(program, outside) {
    withConnection(program.command('events'))
      .description('what happened, newest last')
      .option('-A, --all-namespaces', 'in every namespace')
      .option('--for <object>', 'only about this one: pod/web-1')
      .option('--types <types>', 'Normal, Warning')
      .option('-o, --output <form>', 'json or yaml')
      .action((flags: Flags) => withRemote(outside, flags, remote => run(outside, remote, flags)))
  },
}

async function run(outside: Outside, remote: Remote, flags: Flags): Promise<void> {
  const form = readOutputForm(flags.output)
  let items = await listEvents(remote, flags.allNamespaces ? undefined : remote.namespace)
  if (flags.for) {
    const [type, name] = flags.for.split('/')
    if (!type || !name)
      throw new UsageError(`--for: "${flags.for}" is not TYPE/NAME`, { hint: 'Write it as pod/web-1.' })
    const { kind } = findResource(await discover(remote), type)
    items = items.filter(e => e.involvedObject.name === name && e.involvedObject.kind === kind)
  }
  if (flags.types) {
    const wanted = flags.types.split(',').map(t => t.trim())
    const unknown = wanted.find(type => type !== 'Normal' && type !== 'Warning')
    if (unknown !== undefined) throw new UsageError(`--types: "${unknown}" is not Normal or Warning`)
    items = items.filter(e => wanted.includes(e.type))
  }
  if (form === 'json' || form === 'yaml')
    outside.terminal.out(formatObject({ apiVersion: 'v1', kind: 'EventList', items }, form))
  else if (!items.length) outside.terminal.err('No events found.\n')
  else outside.terminal.out(formatEvents(items, outside.clock.now(), !!flags.allNamespaces))
}

/** Events in order of their last time. */
export async function listEvents(remote: Remote, namespace: string | undefined, fieldSelector = ''): Promise<any[]> {
  const root = namespace ? `/api/v1/namespaces/${namespace}/events` : '/api/v1/events'
  const { items } = await remote.json(
    'GET',
    root + (fieldSelector ? `?fieldSelector=${encodeURIComponent(fieldSelector)}` : ''),
  )
  return items.sort((a: any, b: any) => lastTimeOf(a).localeCompare(lastTimeOf(b)))
}

export function formatEvents(items: any[], nowMs: number, namespaces: boolean): string {
  const header = [...(namespaces ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
  const rows = items.map(e => {
    const count = e.series?.count ?? e.count ?? 1
    const first = e.firstTimestamp ?? e.eventTime
    const seen =
      count > 1 ? `${age(lastTimeOf(e), nowMs)} (x${count} over ${age(first, nowMs)})` : age(lastTimeOf(e), nowMs)
    const object = `${e.involvedObject.kind.toLowerCase()}/${e.involvedObject.name}`
    return [
      ...(namespaces ? [e.metadata.namespace] : []),
      seen,
      e.type ?? 'Normal',
      e.reason ?? '',
      object,
      (e.message ?? '').trim().replaceAll('\n', ' '),
    ]
  })
  return formatTable(header, rows)
}
