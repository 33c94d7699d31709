import { aggregatedResources } from '../aggregation/api-resource.ts'
import type { Core } from '../core.ts'
import type { Resource } from '../resources.ts'
import { type ShownGroup, type ShownVersion, shownGroups } from './shown-groups.ts'
import { subresourcesOf } from './subresource-kinds.ts'
import { verbsOf } from './verbs.ts'

/** Everything below /api or below /apis in one answer: APIGroupDiscoveryList. */
export function aggregatedDiscovery(core: Core, root: 'api' | 'apis', version: string): object {
  const groups = shownGroups(core).filter(g => (g.group === '') === (root === 'api'))
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(group => groupItem(core, group)),
  }
}

function groupItem(core: Core, { group, versions }: ShownGroup): object {
  return {
    metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
    versions: versions.map(shown => ({ version: shown.version, ...versionItem(core, group, shown) })),
  }
}

/** Of a server that does not answer what it said last is shown, as stale. */
function versionItem({ remotes }: Core, group: string, shown: ShownVersion): object {
  if ('resources' in shown) return { resources: shown.resources.map(resourceItem), freshness: 'Current' }
  const { name, unavailable } = shown.remote
  const known = remotes.resourcesOf(name)
  return {
    ...(known ? { resources: aggregatedResources(known, group, shown.version) } : {}),
    freshness: known && unavailable === undefined ? 'Current' : 'Stale',
  }
}

type Identity = { group: string; version: string; kind: string }

/** A group and a version that are those of the list itself are left out, but of custom resources. */
function responseKind({ group, version, kind }: Identity, own: Identity & { custom?: object | undefined }): Identity {
  const same = group === own.group && version === own.version && !own.custom
  return same ? { group: '', version: '', kind } : { group, version, kind }
}

function resourceItem(resource: Resource): object {
  const { kind } = resource
  const subresources = subresourcesOf(resource).map(s => ({
    subresource: s.name,
    responseKind: responseKind(s, kind),
    verbs: s.verbs,
  }))
  return {
    resource: kind.plural,
    responseKind: responseKind(kind, kind),
    scope: kind.scope,
    singularResource: kind.singular ?? kind.kind.toLowerCase(),
    verbs: verbsOf(resource),
    ...(kind.shortNames?.length ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories?.length ? { categories: kind.categories } : {}),
    ...(subresources.length ? { subresources } : {}),
  }
}
