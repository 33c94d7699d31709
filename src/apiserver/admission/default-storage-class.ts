import { PersistentVolumeClaim, StorageClass } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'
import { newestMarked } from './newest-marked.ts'

const marks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const named = 'volume.beta.kubernetes.io/storage-class'

/** A claim that names no class gets the default one; '' says: none. */
export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  handles: (resource, operation, subresource) =>
    isOf(resource, PersistentVolumeClaim) && operation === 'CREATE' && subresource === '',
  mutate({ core, object }) {
    const spec = (object!['spec'] ??= {})
    if (spec.storageClassName !== undefined || object!.metadata.annotations?.[named] !== undefined) return
    const chosen = newestMarked(core, StorageClass, marks)
    if (chosen) spec.storageClassName = chosen.metadata.name
  },
}
