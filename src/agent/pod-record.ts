import type { Client } from '../client/index.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { Pod } from '../models/kinds/core/pod.ts'

/** Deletes the API's record of a pod of which nothing is left on the node. Gone already is fine. */
export async function deleteRecord(client: Client, { metadata }: Pod): Promise<void> {
  const { namespace, name, uid } = metadata
  try {
    const key = { namespace: namespace!, name }
    await client.delete(Pod, key, { gracePeriodSeconds: 0, ...(uid ? { uid } : {}) })
  } catch (error) {
    // A pod of the same name and another uid answers Conflict: ours is gone all the same.
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
