import { same } from '../../base/equality.ts'
import { parseQuantity } from '../../base/quantity.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '../../models/types/storage-v1.ts'
import type { ClusterEvent } from '../cluster-event.ts'
import { usesClaim } from './claim-uses.ts'

const migrated = 'storage.alpha.kubernetes.io/migrated-plugins'

/** Whether a pod that no node had volumes for may get some now that an object around storage came, changed or went. */
export function mayBringVolumes(
  { table, object, old }: Extract<ClusterEvent, { type: 'object-changed' }>,
  pod: Pod,
): boolean {
  // Reported as it was: gone. Of all these only a driver is missed by nobody.
  const gone = object === old
  if (table === 'csiDrivers') return countsCapacity(old) && (gone || !countsCapacity(object))
  if (gone) return false
  switch (table) {
    case 'volumes':
      return true
    case 'claims':
      return usesClaim(pod, object)
    case 'storageClasses':
      return !old || !same((old as StorageClass).allowedTopologies, (object as StorageClass).allowedTopologies)
    case 'csiNodes':
      return old?.metadata.annotations?.[migrated] !== object.metadata.annotations?.[migrated] || !old
    case 'capacities':
      return !old || limitOf(object as CSIStorageCapacity) > limitOf(old as CSIStorageCapacity)
    default:
      return false
  }
}

/** Its volumes are made only where there is known to be room. */
const countsCapacity = (driver: object | undefined) => (driver as CSIDriver | undefined)?.spec.storageCapacity === true

/** How large a volume may be; below 0: nothing is known, and none is made. */
function limitOf({ maximumVolumeSize, capacity }: CSIStorageCapacity): bigint {
  const limit = maximumVolumeSize ?? capacity
  return limit === undefined ? -1n : parseQuantity(limit).nano
}
