import { compareQuantities } from '../base/quantity.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../models/types/core-v1.ts'
import { lenientSelector } from './selection.ts'

/** Which volume a claim gets: pure decisions of the binder. */

/** Set where the binder, not a person, made the connection. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
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

/** Why a claim cannot have this volume though it asks for it by name; undefined when it can. In Kubernetes' words. */
export function mismatchOf(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  const has = volume.spec?.accessModes ?? []
  const capacity = volume.spec?.capacity?.['storage'] ?? '0'
  const wanted = claim.spec?.resources?.requests?.['storage'] ?? '0'
  if (volume.metadata.deletionTimestamp) return `the volume is marked for deletion "${volume.metadata.name}"`
  if (compareQuantities(capacity, wanted) < 0) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if ((volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem'))
    return 'incompatible volumeMode'
  return (claim.spec?.accessModes ?? []).every(mode => has.includes(mode)) ? undefined : 'incompatible accessMode'
}

/** Size, modes, class and labels, whoever else may want it. */
export function satisfies(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (mismatchOf(volume, claim)) return false
  return !claim.spec?.selector || lenientSelector(claim.spec.selector).matches(volume.metadata.labels)
}

/**
 * The volume reserved for the claim, else the smallest free one that satisfies it.
 * @param volumes all volumes
 */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const reserved = volumes.find(v => isFor(v, claim) && satisfies(v, claim))
  if (reserved) return reserved
  return volumes
    .filter(v => !v.spec?.claimRef && (v.status?.phase ?? 'Available') === 'Available' && satisfies(v, claim))
    .sort(
      (a, b) =>
        compareQuantities(a.spec?.capacity?.['storage'] ?? '0', b.spec?.capacity?.['storage'] ?? '0') ||
        (a.metadata.name < b.metadata.name ? -1 : 1),
    )[0]
}
