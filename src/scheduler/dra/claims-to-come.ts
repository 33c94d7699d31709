import { controllerOf } from '../../client/index.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { ClusterEvent } from '../cluster-event.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import { claimKeys } from './pod-claims.ts'

/**
 * Claims that the pod wants by template are still to be made, or to be heard of: a matter of moments. Trying it before would
 * only make it wait out a back-off.
 */
export function awaitsClaims(pod: Pod, { resourceClaims }: ClusterObjects): boolean {
  if (!pod.spec.resourceClaims?.some(c => c.resourceClaimTemplateName)) return false
  return claimKeys(pod).some(key => key === undefined || !resourceClaims.get(key))
}

/** The pod for which the claim was made that the event tells of, by its uid. */
export function claimOwner(event: ClusterEvent): string | undefined {
  if (event.type !== 'object-changed' || event.table !== 'resourceClaims') return undefined
  const owner = controllerOf(event.object)
  return owner?.kind === 'Pod' ? owner.uid : undefined
}
