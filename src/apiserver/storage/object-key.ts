import { badRequest } from '../../models/api-error.ts'
import type { Resource } from '../resources.ts'

/** Every object lies under this prefix; allocations lie beside it. */
export const registryPrefix = '/registry/'

/**
 * The store's key of an object: `/registry/<group>/<plural>/[<namespace>/]<name>`.
 * @throws ApiError BadRequest when a segment could name something else than one object
 */
export function objectStoreKey(resource: Resource, namespace: string | undefined, name: string): string {
  checkSegment(name, 'name')
  if (!resource.namespaced) return resource.prefix + name
  if (!namespace) throw badRequest('an empty namespace may not be set when a resource name is provided')
  checkSegment(namespace, 'namespace')
  return `${resource.prefix}${namespace}/${name}`
}

function checkSegment(segment: string, what: string): void {
  if (
    segment === '' ||
    segment === '.' ||
    segment === '..' ||
    segment.includes('/') ||
    segment.includes('%') ||
    segment.includes('\0')
  )
    throw badRequest(
      `invalid ${what} ${JSON.stringify(segment)}: it may not be empty, ".", "..", or contain "/" or "%"`,
    )
}
