import { capital } from '../../base/words.ts'
import type { Resource } from '../resources.ts'
import type { Action } from './operation.ts'

const verbs: Record<Action, string> = {
  get: 'read',
  list: 'list',
  post: 'create',
  put: 'replace',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
  watch: 'watch',
  watchlist: 'watch',
  connect: 'connect',
}

/** `rbac.authorization.k8s.io` → `rbacAuthorization`; the core group has a name here. */
export const groupWord = (group: string): string =>
  (group || 'core')
    .replace(/\.k8s\.io$/, '')
    .split(/[^A-Za-z0-9_]+/)
    .map((part, i) => (i === 0 ? part : capital(part)))
    .join('')

/** What generators of clients collect operations under: `apps_v1`. */
export const tagOf = ({ kind }: Resource): string => `${groupWord(kind.group)}_${kind.version}`

/**
 * What generators of clients name a method after: `listCoreV1NamespacedPod`.
 * @param suffix a sub-path, or `ForAllNamespaces`
 * @param method of what is connected to
 */
export function operationId(action: Action, { kind, namespaced }: Resource, suffix = '', method = ''): string {
  const place = `${capital(groupWord(kind.group))}${capital(kind.version)}`
  const many = action === 'deletecollection' ? 'Collection' : ''
  const scope = namespaced && suffix !== 'ForAllNamespaces' ? 'Namespaced' : ''
  const list = action === 'watchlist' ? 'List' : ''
  return `${verbs[action]}${place}${capital(method)}${many}${scope}${kind.kind}${list}${suffix}`
}
