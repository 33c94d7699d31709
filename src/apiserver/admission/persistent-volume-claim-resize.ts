import { compareQuantities } from '../../base/quantity.ts'
import { PersistentVolumeClaim, StorageClass } from '../../models/kinds/index.ts'
import type * as core from '../../models/types/core-v1.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from './chain.ts'

/** A claim grows only while it is bound, and only if its class says that its volumes can. */
export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  handles: (resource, operation, subresource) =>
    isOf(resource, PersistentVolumeClaim) && operation === 'UPDATE' && subresource === '',
  validate(admission) {
    const next = admission.object as unknown as core.PersistentVolumeClaim
    const before = admission.previous as unknown as core.PersistentVolumeClaim
    if (compareQuantities(sizeOf(next), sizeOf(before)) <= 0) return
    if (before.status?.phase !== 'Bound')
      throw forbidden(admission, 'Only bound persistent volume claims can be expanded')
    if (classOf(next) !== classOf(before) || !mayGrow(admission, classOf(next)))
      throw forbidden(
        admission,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      )
  },
}

const sizeOf = ({ spec }: core.PersistentVolumeClaim) => spec?.resources?.requests?.['storage'] ?? '0'

function classOf({ metadata, spec }: core.PersistentVolumeClaim): string {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? ''
}

function mayGrow({ core }: Admission, name: string): boolean {
  const kept = name ? core.cache.get(core.resources.of(StorageClass), undefined, name) : undefined
  return kept !== undefined && core.shared(kept)['allowVolumeExpansion'] === true
}
