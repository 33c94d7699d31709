import { PersistentVolume, PersistentVolumeClaim } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'

/** Volumes and claims are born with the finalizer that keeps them while they are used. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (resource, operation, subresource) =>
    isOf(resource, PersistentVolume, PersistentVolumeClaim) && operation === 'CREATE' && subresource === '',
  mutate({ resource, object }) {
    const finalizer = isOf(resource, PersistentVolume) ? 'kubernetes.io/pv-protection' : 'kubernetes.io/pvc-protection'
    const { metadata } = object!
    if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
  },
}
