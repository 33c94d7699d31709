import { explain } from '../../base/errors.ts'
import { isAlreadyExists } from '../../models/api-error.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { createObject } from '../objects/create-object.ts'

/** The server itself. */
export const system = { username: 'system:apiserver', groups: ['system:masters'] }

/** An object without what its kind says. */
export type Draft = Omit<AnyObject, 'apiVersion' | 'kind'>

/** Creates the object unless one of its name is there. @returns whether it was created */
export async function ensure(core: Core, kind: Kind<any>, draft: Draft): Promise<boolean> {
  const resource = core.resources.of(kind)
  if (core.cache.get(resource, draft['metadata'].namespace, draft['metadata'].name)) return false
  const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), ...draft } as AnyObject
  try {
    await createObject(core, resource, object, { user: system, dryRun: false, warnings: [] })
    return true
  } catch (error) {
    if (isAlreadyExists(error)) return false
    core.log.error(
      { kind: kind.kind, name: draft['metadata'].name, error: explain(error) },
      'cannot create what every cluster has',
    )
    throw error
  }
}
