import type { Resource, ResourceTable, ServedGroup } from '../resources.ts'
import { subresourcesOf } from './subresource-kinds.ts'

/** Everything below /api or below /apis in one answer: APIGroupDiscoveryList. */
export function aggregatedDiscovery(resources: ResourceTable, root: 'api' | 'apis', version: string): object {
  const groups = resources.groups().filter(g => (g.group === '') === (root === 'api'))
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(groupItem),
  }
}

function groupItem({ group, versions }: ServedGroup): object {
  return {
    metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
    versions: versions.map(v => ({
      version: v.version,
      resources: v.resources.map(resourceItem),
      freshness: 'Current',
    })),
  }
}

function resourceItem(resource: Resource): object {
  const { kind } = resource
  const subresources = subresourcesOf(resource).map(s => ({
    subresource: s.name,
    responseKind: { group: s.group, version: s.version, kind: s.kind },
    verbs: s.verbs,
  }))
  return {
    resource: kind.plural,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.scope,
    singularResource: kind.singular ?? kind.kind.toLowerCase(),
    verbs: [...resource.verbs].sort(),
    ...(kind.shortNames?.length ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories?.length ? { categories: kind.categories } : {}),
    ...(subresources.length ? { subresources } : {}),
  }
}
