/** One resource or sub-path (`pods/status`) as the legacy discovery of a server lists it. */
export interface ApiResource {
  name: string
  singularName?: string
  namespaced?: boolean
  group?: string
  version?: string
  kind: string
  verbs?: string[]
  shortNames?: string[]
  categories?: string[]
}

/** What came as an APIResourceList. @throws Error if it is none */
export function readResourceList(body: unknown, groupVersion: string): ApiResource[] {
  const list = body as { kind?: unknown; groupVersion?: unknown; resources?: unknown } | null
  if (list?.kind !== 'APIResourceList' || list.groupVersion !== groupVersion || !Array.isArray(list.resources))
    throw new Error(`the answer is no APIResourceList of ${groupVersion}`)
  return list.resources.filter(isResource)
}

const isResource = (r: Partial<ApiResource> | null): r is ApiResource =>
  typeof r?.name === 'string' && typeof r.kind === 'string'

/** The same in the form of aggregated discovery. */
export function aggregatedResources(resources: readonly ApiResource[], group: string, version: string): object[] {
  const kindOf = (r: ApiResource) => ({ group: r.group ?? group, version: r.version ?? version, kind: r.kind })
  return resources
    .filter(r => !r.name.includes('/'))
    .map(r => {
      const below = resources
        .filter(s => s.name.startsWith(`${r.name}/`))
        .map(s => ({ subresource: s.name.slice(r.name.length + 1), responseKind: kindOf(s), verbs: s.verbs ?? [] }))
      return {
        resource: r.name,
        responseKind: kindOf(r),
        scope: r.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: r.singularName ?? '',
        verbs: r.verbs ?? [],
        ...(r.shortNames?.length ? { shortNames: r.shortNames } : {}),
        ...(r.categories?.length ? { categories: r.categories } : {}),
        ...(below.length ? { subresources: below } : {}),
      }
    })
}
