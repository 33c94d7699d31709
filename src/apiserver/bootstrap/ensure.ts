import { same } from '../../base/equality.ts'
import { explain } from '../../base/errors.ts'
import { isAlreadyExists, isNotFound } from '../../models/api-error.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { createObject } from '../objects/create-object.ts'
import { deleteObject } from '../objects/delete-object.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { system } from '../own-user.ts'

/** An object without what its kind says. */
export type Draft = Omit<AnyObject, 'apiVersion' | 'kind'>

/** Who owns the fields of what the server itself writes. */
const manager = 'kube-apiserver'

/**
 * Creates the object unless one of its name is there.
 * @param owner the manager of its fields
 * @returns whether it was created
 */
export async function ensure(core: Core, kind: Kind<any>, draft: Draft, owner = manager): Promise<boolean> {
  const resource = core.resources.of(kind)
  const isThere = () => core.cache.get(resource, draft['metadata'].namespace, draft['metadata'].name) !== undefined
  if (isThere()) return false
  const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), ...draft } as AnyObject
  try {
    const track = trackPlainWrite(core, kind, owner)
    await createObject(core, resource, object, { user: system, dryRun: false, warnings: [], track })
    return true
  } catch (error) {
    // Of a Service that another server made meanwhile, its address is told to be taken.
    if (isAlreadyExists(error) || isThere()) return false
    core.log.error(
      { kind: kind.kind, name: draft['metadata'].name, error: explain(error) },
      'cannot create what every cluster has',
    )
    throw error
  }
}

/** Creates the object, or gives it the draft's fields; what the draft does not name stays. */
export async function put(core: Core, kind: Kind<any>, draft: Draft): Promise<void> {
  if (await ensure(core, kind, structuredClone(draft) as Draft)) return
  const { namespace, name } = draft['metadata']
  await updateObject(
    core,
    core.resources.of(kind),
    namespace,
    name,
    present => {
      for (const [field, value] of Object.entries(draft))
        if (field !== 'metadata' && !same(present[field], value)) present[field] = value
      present.metadata.resourceVersion = ''
      return present
    },
    { user: system, dryRun: false, warnings: [], subresource: '', track: trackPlainWrite(core, kind, manager) },
  )
}

/** Deletes the object, if it is there. */
export async function remove(core: Core, kind: Kind<any>, namespace: string, name: string): Promise<void> {
  try {
    const options = { user: system, dryRun: false, warnings: [] }
    await deleteObject(core, core.resources.of(kind), namespace, name, {}, options)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
