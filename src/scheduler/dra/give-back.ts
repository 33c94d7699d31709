import { isConflict, isNotFound } from '../../models/api-error.ts'
import { ResourceClaim } from '../../models/kinds/index.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { BindingWorld } from '../plugin.ts'

/** Nobody else uses the claim's devices. */
export const isUnusedByOthers = ({ status }: ResourceClaim, pod: Pod) =>
  (status?.reservedFor ?? []).every(user => user.uid === pod.metadata.uid)

/**
 * Takes the claim's devices away, so that it may get others where the pod fits. A claim that somebody has begun to use, or that
 * has changed in any way since it was looked at, keeps them.
 */
export async function giveBack(claim: ResourceClaim, { client }: BindingWorld): Promise<void> {
  const { allocation: _, reservedFor: _users, devices: _devices, ...status } = claim.status ?? {}
  try {
    await client.updateStatus(ResourceClaim, { ...claim, status })
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error
  }
}
