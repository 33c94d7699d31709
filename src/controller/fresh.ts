import type { World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { type KubeObject, keyOf } from '../models/object.ts'

/**
 * Before something is made or deleted on the word of a cache: is the owner still what the cache says?
 * @param by what tells: the generation counts what is wanted, the resourceVersion status and marks too
 */
export async function isFresh<T extends KubeObject>(
  { client }: World,
  kind: Kind<T>,
  owner: T,
  by: 'generation' | 'resourceVersion' = 'generation',
): Promise<boolean> {
  try {
    const { metadata } = await client.get(kind, keyOf(owner))
    const { uid, deletionTimestamp } = metadata
    return uid === owner.metadata.uid && metadata[by] === owner.metadata[by] && !deletionTimestamp
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
