import type { AnyObject } from '../../models/object.ts'
import type { ResourceCall } from '../core.ts'

/**
 * Asks admission whether the caller may connect to an object.
 * @param options what is asked of it, such as `{ kind: 'PodExecOptions', … }`
 * @throws ApiError
 */
export async function admitConnect(
  call: ResourceCall,
  options: { kind: string; [field: string]: unknown },
): Promise<void> {
  const { core, resource, path, user, warnings } = call
  await core.admission.admit({
    ...{ core, operation: 'CONNECT', resource, subresource: path.subresource!, user, warnings, dryRun: false },
    namespace: path.namespace,
    name: path.name!,
    object: { apiVersion: 'v1', ...options } as unknown as AnyObject,
    previous: undefined,
  })
}
