import type { PersistentVolume } from '../../types/core-v1.ts'
import { nodeTermWarnings, oldVolumes } from './pod-warnings.ts'

const annotations = {
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
}

export function volumeWarnings({ metadata, spec }: PersistentVolume): string[] {
  return [
    ...Object.entries(annotations)
      .filter(([key]) => key in (metadata.annotations ?? {}))
      .map(([key, text]) => `metadata.annotations[${key}]: ${text}`),
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle'
      ? [
          'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        ]
      : []),
    ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, i) =>
      nodeTermWarnings(`spec.nodeAffinity.required.nodeSelectorTerms[${i}]`, term),
    ),
    ...Object.keys(oldVolumes)
      .filter(type => type in spec)
      .map(type => `spec.${type === 'storageos' ? 'storageOS' : type}: ${oldVolumes[type]}`),
  ]
}
