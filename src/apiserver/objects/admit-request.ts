import type { AnyObject } from '../../models/object.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { Core, ResourceCall } from '../core.ts'
import type { Resource } from '../resources.ts'
import { isDryRun } from '../verbs/write-options.ts'

/** Who asks something of an object, and in which namespace. */
export interface Asked {
  core: Core
  user: UserInfo
  warnings: string[]
  dryRun: boolean
  namespace: string | undefined
}

export const askedBy = (call: ResourceCall, dryRun = isDryRun(call)): Asked => ({
  ...{ core: call.core, user: call.user, warnings: call.warnings, dryRun },
  namespace: call.path.namespace,
})

/**
 * Admission of a create that is asked of an object: of a pod a binding or an eviction, of an account a token. `object` is
 * what was sent; plugins may change it. @throws ApiError
 */
export function admitRequest(
  { core, namespace, user, dryRun, warnings }: Asked,
  resource: Resource,
  subresource: string,
  name: string,
  object: AnyObject,
): Promise<void> | undefined {
  return core.admission.admit({
    ...{ core, operation: 'CREATE', resource, subresource, namespace, name, object, previous: undefined },
    ...{ user, dryRun, warnings },
  })
}
