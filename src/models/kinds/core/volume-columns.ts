import type { Column } from '../../kind.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../types/core-v1.ts'
import { age, text } from '../columns.ts'

const shortModes = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }

/** `RWO,RWX`: each mode once, in a fixed order. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return Object.entries(shortModes)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',')
}

const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** The storage class of a volume or a claim; the old annotation wins, as everywhere in Kubernetes. */
export function storageClassOf(object: PersistentVolume | PersistentVolumeClaim): string {
  return object.metadata.annotations?.[classAnnotation] ?? object.spec.storageClassName ?? ''
}

const phase = (object: PersistentVolume | PersistentVolumeClaim) =>
  object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? '')

function claimText({ spec: { claimRef } }: PersistentVolume): string {
  return claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : ''
}

export const volumeColumns: Column<PersistentVolume>[] = [
  text('Capacity', volume => volume.spec.capacity?.storage ?? '0'),
  text('Access Modes', volume => accessModesText(volume.spec.accessModes)),
  text('Reclaim Policy', volume => volume.spec.persistentVolumeReclaimPolicy ?? ''),
  text('Status', phase),
  text('Claim', claimText),
  text('StorageClass', storageClassOf),
  text('VolumeAttributesClass', volume => volume.spec.volumeAttributesClassName ?? '<unset>'),
  text('Reason', volume => volume.status?.reason ?? ''),
  age,
  text('VolumeMode', volume => volume.spec.volumeMode ?? '<unset>', 'wide'),
]

const bound = (claim: PersistentVolumeClaim) => Boolean(claim.spec.volumeName)

export const claimColumns: Column<PersistentVolumeClaim>[] = [
  text('Status', phase),
  text('Volume', claim => claim.spec.volumeName ?? ''),
  text('Capacity', claim => (bound(claim) ? (claim.status?.capacity?.storage ?? '0') : '')),
  text('Access Modes', claim => (bound(claim) ? accessModesText(claim.status?.accessModes) : '')),
  text('StorageClass', storageClassOf),
  text('VolumeAttributesClass', claim => claim.spec.volumeAttributesClassName ?? '<unset>'),
  age,
  text('VolumeMode', claim => claim.spec.volumeMode ?? '<unset>', 'wide'),
]
