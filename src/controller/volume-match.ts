import { compareQuantities } from '../base/quantity.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../models/types/core-v1.ts'
import { lenientSelector } from './selection.ts'

/** Which volume a claim gets: pure decisions of the binder. */

const betaClass = 'volume.beta.kubernetes.io/storage-class'

export const classOf = (o: PersistentVolume | PersistentVolumeClaim) =>
  o.metadata.annotations?.[betaClass] ?? o.spec?.storageClassName ?? ''

/** The volume says that it is for this claim, by name, or by uid where it gives one. */
export function isFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec?.claimRef
  return (
    ref?.name === claim.metadata.name &&
    ref?.namespace === claim.metadata.namespace &&
    (!ref?.uid || ref.uid === claim.metadata.uid)
  )
}

/** Size, modes, class and labels, whoever else may want it. */
export function satisfies(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const has = volume.spec?.accessModes ?? []
  const capacity = volume.spec?.capacity?.['storage'] ?? '0'
  const wanted = claim.spec?.resources?.requests?.['storage'] ?? '0'
  return (
    (claim.spec?.accessModes ?? []).every(mode => has.includes(mode)) &&
    compareQuantities(capacity, wanted) >= 0 &&
    (volume.spec?.volumeMode ?? 'Filesystem') === (claim.spec?.volumeMode ?? 'Filesystem') &&
    classOf(volume) === classOf(claim) &&
    (!claim.spec?.selector || lenientSelector(claim.spec.selector).matches(volume.metadata.labels))
  )
}

/**
 * The volume reserved for the claim, else the smallest free one that satisfies it.
 * @param volumes all volumes
 */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const alive = volumes.filter(v => !v.metadata.deletionTimestamp)
  const reserved = alive.find(v => isFor(v, claim) && satisfies(v, claim))
  if (reserved) return reserved
  return alive
    .filter(v => !v.spec?.claimRef && (v.status?.phase ?? 'Available') === 'Available' && satisfies(v, claim))
    .sort(
      (a, b) =>
        compareQuantities(a.spec?.capacity?.['storage'] ?? '0', b.spec?.capacity?.['storage'] ?? '0') ||
        (a.metadata.name < b.metadata.name ? -1 : 1),
    )[0]
}
