import type { CacheIndex } from '../client/reconciler.ts'
import { PersistentVolume, PersistentVolumeClaim } from '../models/kinds/index.ts'
import { keyText } from '../models/object.ts'
import { classOf } from './volume-match.ts'

/** Claims that name no volume yet, by their class. */
export const waitingClaims: CacheIndex<PersistentVolumeClaim> = {
  kind: PersistentVolumeClaim,
  name: 'waiting',
  values: claim => (claim.spec?.volumeName ? [] : [classOf(claim)]),
}

/** Volumes that are promised to nobody, by their class. */
export const freeVolumes: CacheIndex<PersistentVolume> = {
  kind: PersistentVolume,
  name: 'free',
  values: volume => (volume.spec?.claimRef ? [] : [classOf(volume)]),
}

/** Volumes by the `namespace/name` of the claim that they are promised to. */
export const volumesByClaim: CacheIndex<PersistentVolume> = {
  kind: PersistentVolume,
  name: 'claim',
  values({ spec }) {
    const { namespace, name } = spec?.claimRef ?? {}
    return namespace && name ? [keyText({ namespace, name })] : []
  },
}
