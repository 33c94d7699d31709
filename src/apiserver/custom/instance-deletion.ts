import { timestamp } from '../../base/clock.ts'
import { isNotFound } from '../../models/api-error.ts'
import { cleanupFinalizer } from '../../models/kinds/apiextensions/custom-resource-definition.ts'
import type { AnyObject } from '../../models/object.ts'
import type { CustomResourceDefinition } from '../../models/types/apiextensions-v1.ts'
import type { Core } from '../core.ts'
import { deleteObject } from '../objects/delete-object.ts'
import { updateObject } from '../objects/update-object.ts'
import type { Resource } from '../resources.ts'
import { withCondition } from './definition-status.ts'

const options = {
  user: { username: 'system:apiserver', groups: ['system:masters'] },
  dryRun: false,
  warnings: [],
  trusted: true,
  admitted: true,
}
/** Objects deleted at once. */
const together = 64

/**
 * Deletes the objects of a definition that is on its way out, and lets the definition go when the last one is gone.
 * @param stored the objects, in the version in which they are stored
 * @returns false while there is something to wait for: objects with finalizers of their own
 */
export async function emptyOut(
  core: Core,
  definitions: Resource,
  crd: CustomResourceDefinition,
  stored: Resource,
): Promise<boolean> {
  if (!crd.metadata.finalizers?.includes(cleanupFinalizer)) return true
  const bucket = core.cache.bucket(stored)
  const living = bucket.list().filter(kept => !core.shared(kept).metadata.deletionTimestamp)
  for (let at = 0; at < living.length; at += together)
    await Promise.all(
      living.slice(at, at + together).map(({ namespace, name }) =>
        deleteObject(core, stored, namespace || undefined, name, {}, options).catch(error => {
          if (!isNotFound(error)) throw error
        }),
      ),
    )
  const done = bucket.size === 0
  await updateObject(
    core,
    definitions,
    undefined,
    crd.metadata.name,
    present => (done ? released(core, present) : waiting(core, present, bucket.size)),
    { ...options, subresource: done ? '' : 'status' },
  )
  return done
}

const statusOf = (crd: AnyObject) => (crd as unknown as CustomResourceDefinition).status

function waiting(core: Core, crd: AnyObject, left: number): AnyObject {
  const status = statusOf(crd)
  const conditions = withCondition(
    status?.conditions ?? [],
    {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionInProgress',
      message: `CustomResource deletion is in progress: ${left} left, waiting for their finalizers`,
    },
    timestamp(core.clock),
  )
  return { ...crd, status: { ...status, conditions } }
}

function released(core: Core, crd: AnyObject): AnyObject {
  const status = statusOf(crd)
  const conditions = withCondition(
    status?.conditions ?? [],
    { type: 'Terminating', status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' },
    timestamp(core.clock),
  )
  const finalizers = crd.metadata.finalizers?.filter(f => f !== cleanupFinalizer)
  return { ...crd, metadata: { ...crd.metadata, finalizers: finalizers ?? [] }, status: { ...status, conditions } }
}
