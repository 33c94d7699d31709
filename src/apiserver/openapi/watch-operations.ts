import type { Resource } from '../resources.ts'
import { listQuery, type Operation } from './operation.ts'
import { operationId, tagOf } from './operation-names.ts'

type Place = Pick<Operation, 'path' | 'pathParameters'> & { action: 'watch' | 'watchlist'; suffix?: string }

/**
 * The paths below /watch/, an older way to say `?watch=1` that generated clients still know.
 * Custom resources are served there too, but Kubernetes does not describe it.
 * @param root `/apis/apps/v1`
 */
export function watchOperations(resource: Resource, root: string): Operation[] {
  const { kind } = resource
  if (kind.custom || !resource.verbs.has('watch')) return []
  return places(resource, `${root}/watch`).map(({ action, suffix, ...place }) => ({
    ...place,
    method: 'get',
    id: operationId(action, resource, suffix),
    tag: tagOf(resource),
    description: `Watch ${action === 'watch' ? `one ${kind.kind}` : `${kind.kind} objects`}; better ask the list, with "watch"`,
    action,
    gvk: { group: kind.group, version: kind.version, kind: kind.kind },
    answer: 'meta/v1.WatchEvent',
    also: [],
    query: listQuery,
    custom: false,
  }))
}

function places({ kind, namespaced }: Resource, root: string): Place[] {
  const everywhere = `${root}/${kind.plural}`
  if (!namespaced)
    return [
      { path: everywhere, pathParameters: [], action: 'watchlist' },
      { path: `${everywhere}/{name}`, pathParameters: ['name'], action: 'watch' },
    ]
  const within = `${root}/namespaces/{namespace}/${kind.plural}`
  return [
    { path: everywhere, pathParameters: [], action: 'watchlist', suffix: 'ForAllNamespaces' },
    { path: within, pathParameters: ['namespace'], action: 'watchlist' },
    { path: `${within}/{name}`, pathParameters: ['namespace', 'name'], action: 'watch' },
  ]
}
