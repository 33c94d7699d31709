import { closeWords } from '../../base/close-words.ts'
import { isNotFound } from '../../models/api-error.ts'
import { groupVersionOf } from '../../models/group-version.ts'
import type { AnyObject } from '../../models/object.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readManifests } from '../manifests.ts'
import { formatObject, readOutputForm } from '../output.ts'
import { discover, pathOf, qualifiedName, type ServedResource } from '../resource-names.ts'

interface Flags extends ConnectionFlags {
  filename?: string[]
  output?: string
  forceConflicts?: boolean
  dryRun?: boolean
}

export const apply: CliCommand = {
  register(program, outside) {
    withConnection(program.command('apply'))
      .description('create objects, or change them to what the file says')
      .requiredOption('-f, --filename <file...>', 'YAML or JSON files, folders, or - for standard input')
      .option('-o, --output <form>', 'json, yaml or name')
      .option('--force-conflicts', 'take over fields that somebody else manages')
      .option('--dry-run', 'let the server check everything and store nothing')
      .action((flags: Flags) => withRemote(outside, flags, remote => run(outside, remote, flags)))
  },
}

async function run(outside: Outside, remote: Remote, flags: Flags): Promise<void> {
  const manifests = await readManifests(flags.filename ?? [], outside.disk, outside.readStdin)
  const served = await discover(remote)
  for (const { object } of manifests) {
    const { outcome, result, resource } = await applyObject(remote, served, object, flags)
    const form = readOutputForm(flags.output)
    if (form === 'json' || form === 'yaml') outside.terminal.out(formatObject(result, form))
    else {
      const name = qualifiedName(resource, result.metadata.name)
      outside.terminal.out(form === 'name' ? `${name}\n` : `${name} ${outcome}${flags.dryRun ? ' (dry run)' : ''}\n`)
    }
  }
}

export type Outcome = 'created' | 'configured' | 'unchanged'

/** Server-side apply as manager `optiflow`. @throws ApiError Conflict naming the other manager */
export async function applyObject(
  remote: Remote,
  served: ServedResource[],
  object: AnyObject,
  options: { forceConflicts?: boolean; dryRun?: boolean } = {},
): Promise<{ outcome: Outcome; result: AnyObject; resource: ServedResource }> {
  const resource = resourceOfObject(served, object)
  if (!object.metadata?.name)
    throw new UsageError(`${object.kind}: metadata.name: Required value`, { hint: 'Give the object a name.' })
  const namespace = resource.namespaced ? (object.metadata.namespace ?? remote.namespace) : undefined
  const url = pathOf(resource, namespace, object.metadata.name)
  const before = await remote.json<AnyObject>('GET', url).catch(error => {
    if (isNotFound(error)) return undefined
    throw error
  })
  const query = new URLSearchParams({ fieldManager: 'optiflow', fieldValidation: 'Strict' })
  if (options.forceConflicts) query.set('force', 'true')
  if (options.dryRun) query.set('dryRun', 'All')
  const body = namespace ? { ...object, metadata: { ...object.metadata, namespace } } : object
  const result = await remote.json<AnyObject>('PATCH', `${url}?${query}`, {
    body,
    contentType: 'application/apply-patch+yaml',
  })
  const outcome = !before
    ? 'created'
    : before.metadata.resourceVersion === result.metadata.resourceVersion
      ? 'unchanged'
      : 'configured'
  return { outcome, result, resource }
}

/** @throws UsageError when the server does not serve the object's kind */
export function resourceOfObject(served: ServedResource[], object: AnyObject): ServedResource {
  const { group, version } = groupVersionOf(object.apiVersion)
  const found = served.find(r => r.group === group && r.version === version && r.kind === object.kind)
  if (!found)
    throw new UsageError(`no matches for kind "${object.kind}" in version "${object.apiVersion}"`, {
      hint:
        meant(served, object) ?? 'Check apiVersion and kind; a custom kind needs its CustomResourceDefinition first.',
    })
  return found
}

/** What is served under this kind's name, or a name close to it. */
function meant(served: ServedResource[], { kind }: AnyObject): string | undefined {
  const name = [
    kind,
    ...closeWords(
      kind,
      served.map(r => r.kind),
    ),
  ].find(name => served.some(r => r.kind === name))
  const versions = served.filter(r => r.kind === name).map(r => (r.group ? `${r.group}/${r.version}` : r.version))
  return name && `Did you mean kind: ${name} with apiVersion: ${versions.join(' or ')}?`
}
