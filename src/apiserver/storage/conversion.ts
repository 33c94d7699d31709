import type { AnyObject } from '../../models/object.ts'
import type { Resource } from '../resources.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

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
