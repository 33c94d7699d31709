import type { AnyObject } from '../../models/object.ts'
import type { ResourceCall } from '../core.ts'
import type { Resource } from '../resources.ts'
import { isDryRun } from '../verbs/write-options.ts'

/**
 * Admission of a create that is asked of an object: of a pod a binding or an eviction, of an account a token. `object` is
 * what was sent; plugins may change it. @throws ApiError
 */
export function admitRequest(
  call: ResourceCall,
  resource: Resource,
  subresource: string,
  name: string,
  object: AnyObject,
  dryRun = isDryRun(call),
): Promise<void> {
  const { core, path, user, warnings } = call
  const { namespace } = path
  return core.admission.admit({
    ...{ core, operation: 'CREATE', resource, subresource, namespace, name, object, previous: undefined },
    ...{ user, dryRun, warnings },
  })
}
