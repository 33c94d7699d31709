import { claimNameOf } from '../../models/claim-name.ts'
import { type KubeObject, keyOf, keyText } from '../../models/object.ts'
import type { PersistentVolumeClaim, Pod, Volume } from '../../models/types/core-v1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'

/** A volume of a pod that is a claim, given by name or made for the pod. */
export interface ClaimUse {
  /** `namespace/name`. */
  key: string
  name: string
  ephemeral: boolean
}

const uses = new WeakMap<Pod, readonly ClaimUse[]>()
const none: readonly ClaimUse[] = []

export function claimUses(pod: Pod): readonly ClaimUse[] {
  // Most pods have none. That is seen sooner than remembered, and what is remembered of many costs each collection of garbage.
  if (!pod.spec.volumes?.some(isClaim)) return none
  let found = uses.get(pod)
  if (!found) uses.set(pod, (found = read(pod, pod.spec.volumes)))
  return found
}

export const usesClaim = (pod: Pod, claim: KubeObject): boolean => {
  const key = keyText(keyOf(claim))
  return claimUses(pod).some(use => use.key === key)
}

const isClaim = ({ persistentVolumeClaim, ephemeral }: Volume) =>
  persistentVolumeClaim !== undefined || ephemeral !== undefined

function read(pod: Pod, volumes: readonly Volume[]): readonly ClaimUse[] {
  const found: ClaimUse[] = []
  for (const volume of volumes) {
    const name = claimNameOf(pod, volume)
    if (name) found.push({ key: `${pod.metadata.namespace}/${name}`, name, ephemeral: volume.ephemeral !== undefined })
  }
  return found.length ? found : none
}

/** Bound on both sides, as the volume controller says. */
export const isBound = (claim: PersistentVolumeClaim): boolean =>
  Boolean(claim.spec.volumeName && claim.metadata.annotations?.['pv.kubernetes.io/bind-completed'])

/** Why the pod cannot go anywhere, whatever the node; undefined if its claims exist and live. */
export function brokenClaim(pod: Pod, { claims }: ClusterObjects): string | undefined {
  for (const { key, name, ephemeral } of claimUses(pod)) {
    const claim = claims.get(key)
    if (!claim)
      return ephemeral
        ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
        : `persistentvolumeclaim "${name}" not found`
    if (claim.status?.phase === 'Lost')
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`
    if (ephemeral && !claim.metadata.ownerReferences?.some(r => r.controller && r.uid === pod.metadata.uid))
      return `PVC ${key} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`
  }
  return undefined
}
