import type { AnyObject } from '../../models/object.ts'
import type { Resource } from '../resources.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import { encodeObject, withRevision } from './object-bytes.ts'

/** What there is to wait for before `servedObject` may be asked for these; undefined: nothing. */
export function prepare(resource: Resource, objects: readonly KeptObject[]): Promise<void> | undefined {
  return resource.form?.prepare(objects)
}

/** A kept object in the form that `resource` serves; the caller's to change. Prepared, if it is a custom one. */
export function servedObject(resource: Resource, object: KeptObject): AnyObject {
  const { form } = resource
  if (!form || form.isServed(object)) return fromStored(resource, object.parse())
  return structuredClone(form.served(object))
}

/** The stored form of an object in the form that `resource` serves. May change and return the same object. */
export function fromStored(resource: Resource, object: AnyObject): AnyObject {
  if (!resource.kind.storedAs) return object
  const out = resource.kind.storedAs.fromStored(object)
  out.apiVersion = resource.apiVersion
  out.kind = resource.kind.kind
  return out
}

/** The inverse of `fromStored`. */
export function toStored(resource: Resource, object: AnyObject): AnyObject {
  if (!resource.kind.storedAs) return object
  const out = resource.kind.storedAs.toStored(object)
  out.apiVersion = resource.stored.group
    ? `${resource.stored.group}/${resource.stored.version}`
    : resource.stored.version
  out.kind = resource.stored.kind
  return out
}

/** The same object in another version of its kind: a copy, unless both are the same. @throws ApiError when a conversion fails */
export async function convertObject(from: Resource, to: Resource, object: AnyObject): Promise<AnyObject> {
  if (from === to) return object
  const copy = structuredClone(object)
  if (!from.form) return fromStored(to, toStored(from, copy))
  const bytes = encodeObject(await from.form.toStored(copy))
  const { namespace = '', name, resourceVersion } = object.metadata
  const kept = new KeptObject(
    '',
    namespace,
    name,
    Number(resourceVersion ?? 0),
    withRevision(bytes, BigInt(resourceVersion || 0)),
  )
  await prepare(to, [kept])
  return servedObject(to, kept)
}
