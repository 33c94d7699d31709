import type { Client } from '../client/client.ts'
import { ApiError } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { builtinKinds } from '../models/kinds/index.ts'

/** What the API serves now, the kinds of people's own definitions included. */
export interface ServedKinds {
  /** One version of each kind: the built-in one, or else the one the server prefers. */
  kinds: ServedKind[]
  /** Groups whose kinds could not be learnt (an extension server that does not answer), with the reason. */
  failures: { group: string; reason: string }[]
}

export interface ServedKind {
  kind: Kind<any>
  verbs: string[]
  /** All versions under which it is served. */
  versions: string[]
  /** Such as `status`, `scale`. */
  subresources: string[]
}

interface Discovery {
  items?: {
    metadata?: { name?: string }
    versions?: { version: string; freshness?: string; resources?: ServedResource[] }[]
  }[]
}

interface ServedResource {
  resource: string
  responseKind?: { kind?: string }
  scope: string
  verbs: string[]
  subresources?: { subresource: string }[]
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Asks the server. @throws ApiError, ServerUnreachable when nothing at all can be learnt */
export async function discoverKinds(client: Client): Promise<ServedKinds> {
  const found = new Map<string, ServedKind>()
  const failures: ServedKinds['failures'] = []
  for (const path of ['/api', '/apis'])
    for (const { metadata, versions = [] } of (await ask(client, path)).items ?? []) {
      const group = metadata?.name ?? ''
      for (const { version, freshness, resources = [] } of versions) {
        if (freshness === 'Stale') failures.push({ group, reason: `${group}/${version} does not answer` })
        for (const resource of resources) add(found, group, version, resource)
      }
    }
  return { kinds: [...found.values()], failures }
}

function add(
  found: Map<string, ServedKind>,
  group: string,
  version: string,
  { resource, responseKind, scope, verbs, subresources = [] }: ServedResource,
): void {
  if (!responseKind?.kind || resource.includes('/')) return
  const id = `${group}/${resource}`
  const known = found.get(id)
  if (known) {
    known.versions.push(version)
    return
  }
  const builtin = builtinKinds.find(k => k.group === group && k.plural === resource)
  const kind: Kind<any> = builtin ?? {
    group,
    version,
    kind: responseKind.kind,
    plural: resource,
    scope: scope === 'Namespaced' ? 'Namespaced' : 'Cluster',
    schema: '',
  }
  found.set(id, { kind, verbs, versions: [version], subresources: subresources.map(s => s.subresource) })
}

async function ask(client: Client, path: string): Promise<Discovery> {
  const reply = await client.raw('GET', path, { headers: { accept: aggregated } })
  const parts: Uint8Array[] = []
  if (reply.body instanceof Uint8Array) parts.push(reply.body)
  else for await (const part of reply.body) parts.push(part)
  const text = Buffer.concat(parts).toString()
  if (reply.status !== 200)
    throw new ApiError('InternalError', `discovery at ${path} answered ${reply.status}: ${text.slice(0, 200)}`, {
      code: reply.status,
    })
  return JSON.parse(text) as Discovery
}
