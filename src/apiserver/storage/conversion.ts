import type { AnyObject } from '../../models/object.ts'
import type { Resource } from '../resources.ts'

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
