import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readMoment } from '../moment.ts'
import { formatObject, formatServerTable, readOutputForm } from '../output.ts'
import { discover, findResource, pathOf, qualifiedName, resourcesIn, type ServedResource } from '../resource-names.ts'

interface Flags extends ConnectionFlags {
  output?: string
  allNamespaces?: boolean
  selector?: string
  fieldSelector?: string
  watch?: boolean
  headers: boolean
  asOf?: string
}

const asTable = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

export const get: CliCommand = {
  register(program, outside) {
    withConnection(program.command('get <resource> [names...]'))
      .description('list objects: workloads, deploy/web, "all", …')
      .option('-o, --output <form>', 'json, yaml, wide or name')
      .option('-A, --all-namespaces', 'in every namespace')
      .option('-l, --selector <labels>', 'only with these labels: app=web,tier!=db')
      .option('--field-selector <fields>', 'only with these fields: status.phase=Running')
      .option('-w, --watch', 'go on printing changes')
      .option('--as-of <when>', 'as it was: 2h (ago), 2026-01-31T12:00:00Z, or a revision')
      .option('--no-headers', 'no line of column names')
      .action((resource: string, names: string[], flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, resource, names, flags)),
      )
  },
}

async function run(outside: Outside, remote: Remote, resource: string, names: string[], flags: Flags): Promise<void> {
  const form = readOutputForm(flags.output)
  const targets = chooseTargets(await discover(remote), resource, names)
  const namespace = flags.allNamespaces ? undefined : remote.namespace
  const query = new URLSearchParams()
  if (flags.selector) query.set('labelSelector', flags.selector)
  if (flags.fieldSelector) query.set('fieldSelector', flags.fieldSelector)
  if (flags.asOf && flags.watch) throw new UsageError('--as-of and --watch do not go together')
  const asOf = flags.asOf === undefined ? undefined : readMoment(flags.asOf, outside.clock.now())
  if (asOf) query.set('asOf', asOf)
  const url = (t: Target) => {
    if (t.name && flags.allNamespaces && t.resource.namespaced)
      throw new UsageError('a resource cannot be retrieved by name across all namespaces')
    const text = t.name ? (asOf ? `asOf=${encodeURIComponent(asOf)}` : '') : query.toString()
    return pathOf(t.resource, namespace, t.name) + (text ? `?${text}` : '')
  }

  if (form === 'json' || form === 'yaml') {
    const replies = await Promise.all(targets.map(t => remote.json('GET', url(t), { exactIntegers: true })))
    const items = replies.flatMap((r, i) =>
      targets[i]!.name ? [r] : r.items.map((o: object) => withType(o, targets[i]!.resource)),
    )
    const whole =
      targets.length === 1 && targets[0]!.name
        ? items[0]
        : { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items }
    outside.terminal.out(formatObject(whole, form))
    return
  }

  let printed = 0
  const groups = groupByResource(targets)
  for (const group of groups) {
    const tables = await Promise.all(group.map(t => remote.json('GET', url(t), { accept: asTable })))
    const table = { ...tables[0], rows: tables.flatMap(t => t.rows ?? []) }
    if (!table.rows.length) continue
    const { resource } = group[0]!
    if (form === 'name')
      for (const row of table.rows) outside.terminal.out(`${qualifiedName(resource, row.object.metadata.name)}\n`)
    else
      outside.terminal.out(
        (printed ? '\n' : '') +
          formatServerTable(table, {
            wide: form === 'wide',
            namespaces: !!flags.allNamespaces && resource.namespaced,
            header: flags.headers,
            ...(groups.length > 1 ? { prefix: (name: string) => qualifiedName(resource, name) } : {}),
          }),
      )
    printed++
  }
  if (!printed && !flags.watch)
    outside.terminal.err(
      namespace && targets.some(t => t.resource.namespaced)
        ? `No resources found in ${namespace} namespace.\n`
        : 'No resources found\n',
    )
  if (flags.watch) await follow(outside, remote, targets, url, form === 'wide', flags)
}

async function follow(
  outside: Outside,
  remote: Remote,
  targets: Target[],
  url: (t: Target) => string,
  wide: boolean,
  flags: Flags,
) {
  if (targets.length !== 1) throw new UsageError('you may only watch a single resource or type of resource at a time')
  const target = targets[0]!
  const { metadata } = await remote.json(
    'GET',
    pathOf(target.resource, target.resource.namespaced && !flags.allNamespaces ? remote.namespace : undefined) +
      '?limit=1',
  )
  const base = target.name
    ? `${pathOf(target.resource, remote.namespace)}?fieldSelector=metadata.name%3D${target.name}`
    : url(target)
  const stream = await remote.client.raw(
    'GET',
    `${base}${base.includes('?') ? '&' : '?'}watch=1&resourceVersion=${metadata.resourceVersion}`,
    {
      headers: { accept: asTable },
      signal: outside.signal,
    },
  )
  if (stream.body instanceof Uint8Array) return
  let columns: { name: string; priority: number }[] = []
  let rest = ''
  for await (const chunk of stream.body) {
    const lines = (rest + Buffer.from(chunk).toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines.filter(Boolean)) {
      const table = JSON.parse(line).object
      if (table.columnDefinitions?.length) columns = table.columnDefinitions
      outside.terminal.out(
        formatServerTable(
          { columnDefinitions: columns, rows: table.rows ?? [] },
          { wide, namespaces: !!flags.allNamespaces && target.resource.namespaced, header: false },
        ),
      )
    }
  }
}

interface Target {
  resource: ServedResource
  name?: string
}

/** `get pods`, `get pod a b`, `get pod/a svc/b`, `get pods,svc`, `get all`. */
export function chooseTargets(served: ServedResource[], resource: string, names: string[]): Target[] {
  if (resource.includes('/')) {
    return [resource, ...names].map(text => {
      const [type, name] = text.split('/')
      if (!type || !name) throw new UsageError(`"${text}" is not TYPE/NAME`)
      return { resource: findResource(served, type), name }
    })
  }
  const kinds = resource.split(',').flatMap(word => {
    const members = resourcesIn(served, word)
    return members.length ? members : [findResource(served, word)]
  })
  return names.length
    ? kinds.flatMap(k => names.map(name => ({ resource: k, name })))
    : kinds.map(k => ({ resource: k }))
}

function groupByResource(targets: Target[]): Target[][] {
  const groups = new Map<ServedResource, Target[]>()
  for (const t of targets) groups.set(t.resource, [...(groups.get(t.resource) ?? []), t])
  return [...groups.values()]
}

function withType(object: object, r: ServedResource): object {
  return { apiVersion: r.group ? `${r.group}/${r.version}` : r.version, kind: r.kind, ...object }
}
