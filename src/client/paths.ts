import type { Kind } from '../models/kind.ts'
import type { ObjectKey } from '../models/object.ts'

/** Where objects of `kind` live: `/apis/apps/v1/namespaces/ns/deployments`, or without the namespace for all of them. */
export function collectionPath(kind: Kind<any>, namespace?: string): string {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
  return kind.scope === 'Namespaced' && namespace !== undefined
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${kind.plural}`
    : `${root}/${kind.plural}`
}

/** Where one object lives, or one of its subresources. @throws TypeError without the namespace that the kind needs. */
export function objectPath(kind: Kind<any>, key: ObjectKey, subresource?: string): string {
  if (!key.name) throw new TypeError(`a ${kind.kind} is addressed by its name, which is empty`)
  if (kind.scope === 'Namespaced' && !key.namespace)
    throw new TypeError(`${kind.kind} "${key.name}" is addressed without the namespace it lives in`)
  const path = `${collectionPath(kind, key.namespace)}/${encodeURIComponent(key.name)}`
  return subresource ? `${path}/${subresource}` : path
}

/** `?a=1&b=x`, or nothing if every value is undefined. */
export function query(values: Record<string, string | number | boolean | undefined>): string {
  let out = ''
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) out += `${out ? '&' : '?'}${name}=${encodeURIComponent(String(value))}`
  return out
}
