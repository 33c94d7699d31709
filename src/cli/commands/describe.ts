import { stringify } from 'yaml'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { age, formatTable } from '../output.ts'
import { discover, pathOf, type ServedResource } from '../resource-names.ts'
import { listEvents } from './events.ts'
import { chooseTargets } from './get.ts'

export const describe: CliCommand = {
  register(program, outside) {
    withConnection(program.command('describe <resource> [names...]'))
      .description('everything about an object, with its latest events')
      .action((resource: string, names: string[], flags: ConnectionFlags) =>
        withRemote(outside, flags, remote => run(outside, remote, resource, names)),
      )
  },
}

async function run(outside: Outside, remote: Remote, resource: string, names: string[]): Promise<void> {
  let first = true
  for (const target of chooseTargets(await discover(remote), resource, names)) {
    const namespace = target.resource.namespaced ? remote.namespace : undefined
    const objects = target.name
      ? [await remote.json('GET', pathOf(target.resource, namespace, target.name))]
      : (await remote.json('GET', pathOf(target.resource, namespace))).items
    for (const object of objects) {
      outside.terminal.out(
        (first ? '' : '\n\n') + (await describeObject(remote, target.resource, object, outside.clock.now())),
      )
      first = false
    }
  }
}

async function describeObject(remote: Remote, resource: ServedResource, object: any, nowMs: number): Promise<string> {
  const { metadata, spec, status, apiVersion: _v, kind: _k, ...others } = object
  const map = (entries: Record<string, string> | undefined) =>
    Object.entries(entries ?? {}).map(([k, v]) => `${k}=${v.length > 140 ? `${v.slice(0, 137)}...` : v}`)
  const lines: [string, string[]][] = [
    ['Name:', [metadata.name]],
    ...(metadata.namespace ? [['Namespace:', [metadata.namespace]] as [string, string[]]] : []),
    ['Labels:', map(metadata.labels)],
    ['Annotations:', map(metadata.annotations)],
    ['Created:', [`${metadata.creationTimestamp} (${age(metadata.creationTimestamp, nowMs)} ago)`]],
    ...(metadata.deletionTimestamp
      ? [['Deleting:', [`since ${metadata.deletionTimestamp}`]] as [string, string[]]]
      : []),
    [
      'Controlled By:',
      (metadata.ownerReferences ?? []).filter((r: any) => r.controller).map((r: any) => `${r.kind}/${r.name}`),
    ],
  ]
  const width = 15
  let text = lines
    .map(([head, values]) =>
      (values.length ? values : ['<none>']).map((v, i) => `${(i ? '' : head).padEnd(width)}${v}\n`).join(''),
    )
    .join('')
  const { conditions, ...state } = status ?? {}
  text += section('Spec', spec) + section('Status', state)
  for (const [field, value] of Object.entries(others))
    text += section(field[0]!.toUpperCase() + field.slice(1), resource.plural === 'secrets' ? sizes(value) : value)
  if (conditions?.length)
    text += `Conditions:\n${indent(
      formatTable(
        ['TYPE', 'STATUS', 'SINCE', 'REASON', 'MESSAGE'],
        conditions.map((c: any) => [
          c.type,
          c.status,
          age(c.lastTransitionTime, nowMs),
          c.reason ?? '',
          c.message ?? '',
        ]),
      ),
    )}`
  const events = await listEvents(remote, metadata.namespace ?? 'default', `involvedObject.uid=${metadata.uid}`)
  text += events.length
    ? `Events:\n${indent(
        formatTable(
          ['TYPE', 'REASON', 'AGE', 'FROM', 'MESSAGE'],
          events.map(e => [
            e.type ?? 'Normal',
            e.reason ?? '',
            age(e.lastTimestamp ?? e.eventTime ?? e.metadata.creationTimestamp, nowMs) +
              (e.count > 1 ? ` (x${e.count})` : ''),
            e.source?.component || e.reportingComponent || '',
            (e.message ?? '').trim(),
          ]),
        ),
      )}`
    : 'Events:        <none>\n'
  return text
}

function section(head: string, value: unknown): string {
  if (value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)) return ''
  if (typeof value !== 'object') return `${`${head}:`.padEnd(15)}${value}\n`
  return `${head}:\n${indent(stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }))}`
}

/** A secret's keys with how long their values are: never the values. */
function sizes(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).map(([k, v]) => [k, `${Buffer.from(String(v), 'base64').length} bytes`]),
  )
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
