import type { World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { type KubeObject, keyOf } from '../models/object.ts'

/** Before something is made or deleted on the word of a cache: is the owner still what the cache says? */
export async function isFresh<T extends KubeObject>({ client }: World, kind: Kind<T>, owner: T): Promise<boolean> {
  try {
    const { uid, generation, deletionTimestamp } = (await client.get(kind, keyOf(owner))).metadata
    return uid === owner.metadata.uid && generation === owner.metadata.generation && !deletionTimestamp
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
