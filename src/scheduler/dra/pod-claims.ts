import { controllerOf } from '../../client/index.ts'
import { keyOf, keyText } from '../../models/object.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { ResourceClaim } from '../../models/types/resource-v1beta1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'

/** Keys of the claims that the pod uses, `namespace/name`, as far as they are known yet. */
export function claimKeys({ metadata, spec, status }: Pod): (string | undefined)[] {
  return (spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName }) => {
    if (resourceClaimName) return [`${metadata.namespace}/${resourceClaimName}`]
    const made = status?.resourceClaimStatuses?.find(s => s.name === name)
    // Made known without a claim: none is needed.
    if (made && !made.resourceClaimName) return []
    return [made ? `${metadata.namespace}/${made.resourceClaimName}` : undefined]
  })
}

/** The pod's claims, or why it cannot be placed anywhere yet. */
export function podClaims(pod: Pod, { resourceClaims, deviceClasses }: ClusterObjects): ResourceClaim[] | string {
  const claims: ResourceClaim[] = []
  for (const key of claimKeys(pod)) {
    if (key === undefined) return `pod "${keyText(keyOf(pod))}": ResourceClaim not created yet`
    const claim = resourceClaims.get(key)
    const name = key.slice(key.indexOf('/') + 1)
    if (!claim) return `resourceclaim.resource.k8s.io "${name}" not found`
    if (claim.metadata.deletionTimestamp) return `resourceclaim "${name}" is being deleted`
    const owner = controllerOf(claim)
    if (owner?.kind === 'Pod' && owner.uid !== pod.metadata.uid)
      return `ResourceClaim ${key} was not created for pod ${keyText(keyOf(pod))} (pod is not owner)`
    for (const request of claim.spec.devices?.requests ?? [])
      if (!claim.status?.allocation && !deviceClasses.get(request.deviceClassName))
        return `request ${request.name}: device class ${request.deviceClassName} does not exist`
    claims.push(claim)
  }
  return claims
}
