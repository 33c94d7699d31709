import { closeWords } from '../base/close-words.ts'
import type { Remote } from './connection.ts'
import { UsageError } from './failure.ts'

/** One kind that the server serves, as its discovery says. */
export interface ServedResource {
  group: string
  version: string
  plural: string
  singular: string
  kind: string
  shortNames: string[]
  categories: string[]
  namespaced: boolean
  verbs: string[]
  subresources: string[]
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

/** Everything served, preferred versions first. */
export async function discover(remote: Remote): Promise<ServedResource[]> {
  const [core, groups] = await Promise.all([
    remote.json('GET', '/api', { accept: aggregated }),
    remote.json('GET', '/apis', { accept: aggregated }),
  ])
  const out: ServedResource[] = []
  for (const group of [...core.items, ...groups.items])
    for (const version of group.versions)
      for (const r of version.resources)
        out.push({
          group: group.metadata?.name ?? '',
          version: version.version,
          plural: r.resource,
          singular: r.singularResource ?? '',
          kind: r.responseKind?.kind ?? '',
          shortNames: r.shortNames ?? [],
          categories: r.categories ?? [],
          namespaced: r.scope === 'Namespaced',
          verbs: r.verbs ?? [],
          subresources: (r.subresources ?? []).map((s: { subresource: string }) => s.subresource),
        })
  return out
}

/** `po`, `pods`, `pod`, `Pod`, `deployments.apps`, `deployments.v1.apps`. @throws UsageError with the closest names */
export function findResource(served: ServedResource[], name: string): ServedResource {
  const lower = name.toLowerCase()
  const [word, ...rest] = lower.split('.') as [string, ...string[]]
  const matches = (r: ServedResource, w: string) =>
    r.plural === w || r.singular === w || r.kind.toLowerCase() === w || r.shortNames.includes(w)
  const found =
    served.find(r => matches(r, lower)) ??
    served.find(r => matches(r, word) && (rest.join('.') === r.group || rest.join('.') === `${r.version}.${r.group}`))
  if (found) return found
  const close = closeWords(
    word,
    served.flatMap(r => [r.plural, ...r.shortNames]),
  )
  throw new UsageError(`the server doesn't have a resource type "${name}"`, {
    hint: close.length
      ? `Did you mean ${close.slice(0, 3).join(', ')}?`
      : 'See "kubectl api-resources" for all of them.',
  })
}

/** Resources of a category such as `all`. */
export function resourcesIn(served: ServedResource[], category: string): ServedResource[] {
  return served.filter(r => r.categories.includes(category))
}

/** `/apis/apps/v1/namespaces/default/deployments/web` */
export function pathOf(
  r: Pick<ServedResource, 'group' | 'version' | 'plural' | 'namespaced'>,
  namespace?: string,
  name?: string,
): string {
  const root = r.group ? `/apis/${r.group}/${r.version}` : `/api/${r.version}`
  const scope = r.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${r.plural}${name ? `/${encodeURIComponent(name)}` : ''}`
}

/** `deployment.apps/web`, as kubectl names things. */
export function qualifiedName(r: Pick<ServedResource, 'group' | 'singular' | 'kind'>, name: string): string {
  const word = r.singular || r.kind.toLowerCase()
  return `${r.group ? `${word}.${r.group}` : word}/${name}`
}

/** Edits between two words, stopping at 3. */
