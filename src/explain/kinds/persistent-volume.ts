import { PersistentVolume } from '../../models/kinds/index.ts'
import { type Explainer, stops, well } from '../explanation.ts'

export const persistentVolume: Explainer<PersistentVolume> = {
  kind: PersistentVolume,
  summary({ spec, status }) {
    const claim = spec?.claimRef ? ` (claim ${spec.claimRef.namespace}/${spec.claimRef.name})` : ''
    return `it is ${status?.phase ?? 'Pending'}${claim}`
  },
  findings({ metadata, spec, status }) {
    const { name } = metadata
    if (status?.phase === 'Failed')
      return [stops(`it cannot be deleted or recycled: ${status.message ?? status.reason ?? ''}`)]
    if (status?.phase === 'Available') return [well('no claim has asked for it yet')]
    if (status?.phase !== 'Released') return []
    const policy = spec?.persistentVolumeReclaimPolicy
    if (policy !== 'Retain') return [well(`its claim is gone; spec.persistentVolumeReclaimPolicy ${policy} deletes it`)]
    return [
      stops(
        'its claim is gone; spec.persistentVolumeReclaimPolicy Retain keeps the data, and no other claim gets it',
        `To give it away with its data: kubectl patch pv ${name} -p '{"spec":{"claimRef":null}}'`,
      ),
    ]
  },
}
