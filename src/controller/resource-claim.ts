import { controllerOf } from '../client/owner.ts'
import type { CacheIndex, Reconciler, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { Pod, ResourceClaim } from '../models/kinds/index.ts'
import { isPodTerminal } from '../models/pod-state.ts'
import type { ResourceClaimConsumerReference } from '../models/types/resource-v1beta1.ts'

const protection = 'resource.kubernetes.io/delete-protection'

/** By the uids of the pods that use them. */
const byUser: CacheIndex<ResourceClaim> = {
  kind: ResourceClaim,
  name: 'users',
  values: claim => claim.status?.reservedFor?.map(user => user.uid) ?? [],
}

/** Claims of pods that have ended give their devices back; those made for such a pod go. */
export function resourceClaimReconciler(): Reconciler {
  return {
    name: 'resource-claim',
    eventsFrom: 'resource_claim',
    primary: ResourceClaim,
    watches: [
      {
        kind: Pod,
        keys({ metadata: { namespace, uid } }: Pod, cache) {
          const claims = [...cache.byIndex(byUser, uid), ...cache.ownedBy(ResourceClaim, uid)]
          return claims.map(c => ({ namespace: namespace!, name: c.metadata.name }))
        },
      },
    ],
    writes: [
      { kind: ResourceClaim, part: 'owned' },
      { kind: ResourceClaim, part: 'status' },
    ],
    async reconcile(key, world) {
      const { cache, client } = world
      let claim = cache.get(ResourceClaim, key)
      if (!claim) return
      const users = claim.status?.reservedFor ?? []
      const left: typeof users = []
      for (const user of users) if (!(await hasEnded(user, key.namespace!, world))) left.push(user)
      const { allocation: _, reservedFor: __, devices: ___, ...rest } = claim.status ?? {}
      if (left.length < users.length) {
        // Without a user it gives its devices back.
        const status = left.length ? { ...claim.status, reservedFor: left } : rest
        claim = await client.updateStatus(ResourceClaim, { ...claim, status })
      } else if (!users.length && claim.status?.allocation && claim.metadata.deletionTimestamp)
        claim = await client.updateStatus(ResourceClaim, { ...claim, status: rest })
      const { finalizers } = claim.metadata
      // One that is still to be used has it before its devices: whoever allocates is about to write them.
      const over = left.length < users.length || claim.metadata.deletionTimestamp
      if (over && !claim.status?.allocation && finalizers?.includes(protection)) {
        const metadata = { ...claim.metadata, finalizers: finalizers.filter(f => f !== protection) }
        claim = await client.update(ResourceClaim, { ...claim, metadata })
      }
      // Of pods that are gone garbage collection takes them.
      const owner = controllerOf(claim)
      const pod = owner?.kind === 'Pod' ? cache.get(Pod, { namespace: key.namespace!, name: owner.name }) : undefined
      const useless = pod?.metadata.uid === owner?.uid && pod !== undefined && isPodTerminal(pod) && !left.length
      if (useless && !claim.metadata.deletionTimestamp)
        await client.delete(ResourceClaim, key, { uid: claim.metadata.uid })
    },
  }
}

/** The pod is no more, or will not run again. One that the cache has not heard of may be new: the server knows. */
async function hasEnded(user: ResourceClaimConsumerReference, namespace: string, { cache, client }: World) {
  if (user.resource !== 'pods') return false
  const key = { namespace, name: user.name }
  const known = cache.get(Pod, key)
  if (known?.metadata.uid === user.uid) return isPodTerminal(known)
  const pod = await client.get(Pod, key).catch(error => {
    if (isNotFound(error)) return undefined
    throw error
  })
  return pod?.metadata.uid !== user.uid || isPodTerminal(pod)
}
