import type { ObjectMeta } from './types/meta-v1.ts'

/** What every stored object has, whatever its kind. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** An object of which only the outside is known. */
export interface AnyObject extends KubeObject {
  [field: string]: any
}

/** What a caller writes when it creates: the server fills in the rest. */
export type Draft<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion?: string
  kind?: string
  metadata: Partial<ObjectMeta>
}

export interface ObjectList<T> {
  apiVersion: string
  kind: string
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
  items: T[]
}

/** Names one object of a known kind. `namespace` is undefined for cluster-wide kinds. */
export interface ObjectKey {
  namespace?: string
  name: string
}

export function keyOf(object: KubeObject): ObjectKey {
  return object.metadata.namespace
    ? { namespace: object.metadata.namespace, name: object.metadata.name }
    : { name: object.metadata.name }
}

/** `namespace/name`, or `name` alone for cluster-wide objects: the text form in queues, indexes and messages. */
export function keyText(key: ObjectKey): string {
  return key.namespace ? `${key.namespace}/${key.name}` : key.name
}

export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/')
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}
