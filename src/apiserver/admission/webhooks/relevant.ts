import type { Resource } from '../../resources.ts'
import { type Admission, forbidden } from '../chain.ts'
import type { AskedOnce } from '../policies/authorizer.ts'
import { meetsConditions } from '../policies/evaluation.ts'
import { admissionRequest } from '../policies/request.ts'
import type { Hook } from './hook.ts'
import type { ShownObjects } from './shown.ts'

/**
 * In which version a webhook wants to be asked about this; undefined: not at all.
 * @throws ApiError Forbidden when its conditions fail to tell, and it fails closed
 */
export async function concerns(
  hook: Hook,
  admission: Admission,
  objects: ShownObjects,
  asked: AskedOnce,
): Promise<Resource | undefined> {
  const resource = hook.matcher.match(admission)
  if (!resource || hook.conditions.length === 0) return resource
  const shown = await objects.in(resource)
  const variables = {
    object: shown.object ?? null,
    oldObject: shown.previous ?? null,
    request: admissionRequest(admission, resource),
    namespaceObject: null,
    ...asked.variables,
  }
  const { met, error } = await asked.run(() => meetsConditions(hook.conditions, variables))
  if (error && !hook.failOpen) throw forbidden(admission, error)
  return met ? resource : undefined
}
