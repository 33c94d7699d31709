import { compareQuantities } from '../base/quantity.ts'
import type { Reconciler } from '../client/reconciler.ts'
import { PersistentVolume, PersistentVolumeClaim } from '../models/kinds/index.ts'
import { keyText } from '../models/object.ts'
import { isFor } from './volume-match.ts'

/** Tells people whose claim asks for more than its volume has that somebody else is to make it grow: a driver's sidecar, or ours for it. */
export function volumeExpansionReconciler(): Reconciler {
  /** The size that was spoken of last, by claim. */
  const told = new Map<string, string>()
  return {
    name: 'volume-expand',
    eventsFrom: 'volume_expand',
    primary: PersistentVolumeClaim,
    watches: [{ kind: PersistentVolume, keys: () => [] }],
    writes: [],
    async reconcile(key, { cache, events }) {
      const claim = cache.get(PersistentVolumeClaim, key)
      const wanted = claim?.spec.resources?.requests?.['storage']
      const has = claim?.status?.capacity?.['storage']
      if (!claim || !wanted || !has || compareQuantities(wanted, has) <= 0) return void told.delete(keyText(key))
      const volume = cache.get(PersistentVolume, { name: claim.spec.volumeName ?? '' })
      const size = `${claim.metadata.uid} ${wanted}`
      if (claim.status?.phase !== 'Bound' || !volume || !isFor(volume, claim) || told.get(keyText(key)) === size) return
      told.set(keyText(key), size)
      events.normal(claim, 'ExternalExpanding', 'waiting for an external controller to expand this PVC')
    },
  }
}
