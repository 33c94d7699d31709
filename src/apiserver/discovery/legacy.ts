import type { Core } from '../core.ts'
import { type Resource, type ResourceTable, storageVersionHash } from '../resources.ts'
import { type ShownGroup, shownGroups } from './shown-groups.ts'
import { subresourcesOf } from './subresource-kinds.ts'
import { verbsOf } from './verbs.ts'

type Addresses = { clientCIDR: string; serverAddress: string }[]

/** /api */
export function apiVersions(resources: ResourceTable, addresses: Addresses): object {
  const core = resources.groups().find(g => g.group === '')
  return {
    kind: 'APIVersions',
    versions: core?.versions.map(v => v.version) ?? [],
    serverAddressByClientCIDRs: addresses,
  }
}

/** /apis */
export function apiGroupList(core: Core): object {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: shownGroups(core)
      .filter(g => g.group !== '')
      .map(groupItem),
  }
}

/** /apis/GROUP */
export function apiGroup(core: Core, group: string): object | undefined {
  const found = shownGroups(core).find(g => g.group === group && group !== '')
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupItem(found) }
}

function groupItem({ group, versions }: ShownGroup): object {
  const all = versions.map(v => ({ groupVersion: `${group}/${v.version}`, version: v.version }))
  return { name: group, versions: all, preferredVersion: all[0] }
}

/** /api/v1 and /apis/GROUP/VERSION */
export function apiResourceList(resources: ResourceTable, group: string, version: string): object | undefined {
  const found = resources
    .groups()
    .find(g => g.group === group)
    ?.versions.find(v => v.version === version)
  if (!found) return undefined
  return {
    kind: 'APIResourceList',
    // The core group answers as it did before there were groups.
    ...(group ? { apiVersion: 'v1' } : {}),
    groupVersion: group ? `${group}/${version}` : version,
    resources: found.resources.flatMap(resourceItems),
  }
}

function resourceItems(resource: Resource): object[] {
  const { kind } = resource
  // What is computed has no version that it is stored in.
  const stored = resource.verbs.has('list') && resource.verbs.has('create')
  const main = {
    name: kind.plural,
    singularName: kind.singular ?? kind.kind.toLowerCase(),
    namespaced: resource.namespaced,
    kind: kind.kind,
    verbs: verbsOf(resource),
    ...(kind.shortNames?.length ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories?.length ? { categories: kind.categories } : {}),
    ...(stored ? { storageVersionHash: storageVersionHash(resource) } : {}),
  }
  const below = subresourcesOf(resource).map(s => ({
    name: `${kind.plural}/${s.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(s.group !== kind.group || s.version !== kind.version ? { group: s.group, version: s.version } : {}),
    kind: s.kind,
    verbs: s.verbs,
  }))
  return [main, ...below]
}
