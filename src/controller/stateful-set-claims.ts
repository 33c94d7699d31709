import { controllerRef } from '../client/owner.ts'
import type { Draft } from '../models/object.ts'
import type { StatefulSet } from '../models/types/apps-v1.ts'
import type { PersistentVolumeClaim, Pod } from '../models/types/core-v1.ts'
import type { OwnerReference } from '../models/types/meta-v1.ts'

/** Which claims the pods of a StatefulSet have, and with whom these go. */

export const claimNameAt = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number) =>
  `${template.metadata.name}-${set.metadata.name}-${ordinal}`

export function claimsAt(set: StatefulSet, ordinal: number): Draft<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map(template => ({
    metadata: {
      name: claimNameAt(set, template, ordinal),
      namespace: set.metadata.namespace!,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      ...(template.metadata.annotations ? { annotations: template.metadata.annotations } : {}),
      ...(policyOf(set).whenDeleted === 'Delete' ? { ownerReferences: [controllerRef(set)] } : {}),
    },
    spec: structuredClone(template.spec ?? {}),
  }))
}

/** Whether a claim of this name may be one of the set's. */
export function isClaimOf(set: StatefulSet, name: string): boolean {
  const middle = `-${set.metadata.name}-`
  return (set.spec.volumeClaimTemplates ?? []).some(
    t => name.startsWith(`${t.metadata.name}${middle}`) && /-\d+$/.test(name),
  )
}

const policyOf = (set: StatefulSet) => set.spec.persistentVolumeClaimRetentionPolicy ?? {}

/** It goes with a pod that was scaled away: a new pod of that name has to wait for a new claim. */
export function goesWithPodBefore(set: StatefulSet, claim: PersistentVolumeClaim, podName: string): boolean {
  return policyOf(set).whenScaled === 'Delete' && refsTo(claim, 'Pod', podName).length > 0
}

/**
 * The owner references that a claim should have by the retention policy: the set controls it when it goes with the set, the pod when it
 * goes with a pod that is scaled away, and neither when somebody else does.
 * @returns undefined when they are right, or when owners of these names were others: then the claim is the garbage collector's
 */
export function claimOwners(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  pod: Pod,
  condemned: boolean,
): OwnerReference[] | undefined {
  const { whenDeleted, whenScaled } = policyOf(set)
  const before = claim.metadata.ownerReferences ?? []
  const [sets, pods] = [refsTo(claim, 'StatefulSet', set.metadata.name), refsTo(claim, 'Pod', pod.metadata.name)]
  if (sets.some(r => r.uid !== set.metadata.uid) || pods.some(r => r.uid !== pod.metadata.uid)) return undefined
  const wanted = before.filter(r => !sets.includes(r) && !pods.includes(r))
  if (!wanted.some(r => r.controller)) {
    if (condemned && whenScaled === 'Delete') wanted.push(controllerRef(pod))
    else if (whenDeleted === 'Delete') wanted.push(controllerRef(set))
  }
  const text = (refs: OwnerReference[]) =>
    refs
      .map(r => `${r.uid} ${r.controller ?? false}`)
      .sort()
      .join()
  return text(before) === text(wanted) ? undefined : wanted
}

function refsTo(claim: PersistentVolumeClaim, kind: 'Pod' | 'StatefulSet', name: string): OwnerReference[] {
  const apiVersion = kind === 'Pod' ? 'v1' : 'apps/v1'
  return (claim.metadata.ownerReferences ?? []).filter(
    r => r.kind === kind && r.apiVersion === apiVersion && r.name === name,
  )
}
