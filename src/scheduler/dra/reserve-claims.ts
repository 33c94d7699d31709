import { isConflict } from '../../models/api-error.ts'
import { ResourceClaim } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { AllocationResult } from '../../models/types/resource-v1beta1.ts'
import type { BindingWorld } from '../plugin.ts'

/** Kept on a claim while it has devices: its drivers must be done with it before it goes. */
export const protection = 'resource.kubernetes.io/delete-protection'
const mostTries = 5

/** Writes what the claim gets, and that the pod uses it. A claim that somebody else has allocated meanwhile is not ours to change. */
export async function reserveClaim(
  claim: ResourceClaim,
  allocation: AllocationResult | undefined,
  { metadata: { name, uid } }: Pod,
  { client, signal }: BindingWorld,
): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      // What the informer knows is mostly the newest; if it is not, the server says so.
      let current = tries === 1 ? claim : await client.get(ResourceClaim, keyOf(claim), { signal })
      if (current.metadata.uid !== claim.metadata.uid)
        throw new Error(`resourceclaim ${claim.metadata.name} was replaced`)
      if (allocation && current.status?.allocation)
        throw new Error(`resourceclaim ${claim.metadata.name} was allocated by somebody else`)
      if (allocation && !current.metadata.finalizers?.includes(protection)) {
        const finalizers = [...(current.metadata.finalizers ?? []), protection]
        current = await client.update(ResourceClaim, { ...current, metadata: { ...current.metadata, finalizers } })
      }
      const users = current.status?.reservedFor ?? []
      if (!allocation && users.some(u => u.uid === uid)) return
      const reservedFor = [...users, { resource: 'pods', name, uid }]
      const status = { ...current.status, ...(allocation ? { allocation } : {}), reservedFor }
      await client.updateStatus(ResourceClaim, { ...current, status })
      return
    } catch (error) {
      if (!isConflict(error) || tries >= mostTries) throw error
    }
}
