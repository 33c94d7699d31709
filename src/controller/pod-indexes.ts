import type { CacheIndex } from '../client/reconciler.ts'
import { claimNameOf } from '../models/claim-name.ts'
import { type PersistentVolumeClaim, Pod } from '../models/kinds/index.ts'
import { keyText, type ObjectKey } from '../models/object.ts'

/** The pods of one node, by its name. */
export const podsByNode: CacheIndex<Pod> = {
  kind: Pod,
  name: 'node',
  values: pod => (pod.spec?.nodeName ? [pod.spec.nodeName] : []),
}

/** The pods that name a claim, finished ones too, by the claim's `namespace/name`. */
export const podsByClaim: CacheIndex<Pod> = {
  kind: Pod,
  name: 'claim',
  values: pod => claimsOf(pod).map(keyText),
}

/** The claims that a pod's volumes are of, those made for the pod alone included. */
export function claimsOf(pod: Pod): ObjectKey[] {
  return (pod.spec?.volumes ?? []).flatMap(volume => {
    const name = claimNameOf(pod, volume)
    return name ? [{ namespace: pod.metadata.namespace!, name }] : []
  })
}

/** Whether a claim is the one of an ephemeral volume of this pod, and not another one of the same name. */
export function isMadeFor({ metadata }: PersistentVolumeClaim, pod: Pod): boolean {
  return metadata.ownerReferences?.some(r => r.controller && r.uid === pod.metadata.uid) ?? false
}
