import { selectorFrom } from '../../base/labels.ts'
import { parseQuantity } from '../../base/quantity.ts'
import { nodeSelectorTest } from '../../models/node-selector.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../models/types/core-v1.ts'

const betaClass = 'volume.beta.kubernetes.io/storage-class'

export const classOf = (o: PersistentVolume | PersistentVolumeClaim): string =>
  o.metadata.annotations?.[betaClass] ?? o.spec.storageClassName ?? ''

const sizeOf = (quantity: string | undefined) => parseQuantity(quantity ?? '0').nano
export const requestedBytes = (claim: PersistentVolumeClaim) => sizeOf(claim.spec.resources?.requests?.['storage'])
const capacityOf = (volume: PersistentVolume) => sizeOf(volume.spec.capacity?.['storage'])

const tests = new WeakMap<PersistentVolume, (node: Node) => boolean>()

/** Whether pods on the node can reach the volume. */
export function reaches(volume: PersistentVolume, node: Node): boolean {
  let test = tests.get(volume)
  if (!test) {
    const required = volume.spec.nodeAffinity?.required
    tests.set(volume, (test = required ? nodeSelectorTest(required) : () => true))
  }
  return test(node)
}

function isFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  return (
    claimRef?.name === metadata.name &&
    claimRef.namespace === metadata.namespace &&
    (!claimRef.uid || claimRef.uid === metadata.uid)
  )
}

function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const modes = volume.spec.accessModes ?? []
  return (
    !volume.metadata.deletionTimestamp &&
    capacityOf(volume) >= requestedBytes(claim) &&
    (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem') &&
    (claim.spec.accessModes ?? []).every(mode => modes.includes(mode))
  )
}

/** Volumes that the claim could have somewhere, the smallest first; one that was made for it stands alone. */
export function suitableVolumes(claim: PersistentVolumeClaim, volumes: Iterable<PersistentVolume>): PersistentVolume[] {
  const selector = claim.spec.selector ? selectorFrom(claim.spec.selector) : undefined
  const all = [...volumes].filter(v => suits(v, claim))
  const own = all.filter(v => isFor(v, claim))
  if (own.length) return own
  return all
    .filter(
      v =>
        !v.spec.claimRef &&
        (v.status?.phase ?? 'Available') === 'Available' &&
        (!selector || selector.matches(v.metadata.labels)),
    )
    .sort((a, b) => (capacityOf(a) < capacityOf(b) ? -1 : capacityOf(a) > capacityOf(b) ? 1 : 0))
}
