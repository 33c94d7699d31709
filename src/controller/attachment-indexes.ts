import type { CacheIndex } from '../client/reconciler.ts'
import { VolumeAttachment } from '../models/kinds/index.ts'

/** The attachments of one volume, by its name. */
export const attachmentsByVolume: CacheIndex<VolumeAttachment> = {
  kind: VolumeAttachment,
  name: 'volume',
  values: ({ spec }) => (spec.source.persistentVolumeName ? [spec.source.persistentVolumeName] : []),
}

/** The attachments to one node, by its name. */
export const attachmentsByNode: CacheIndex<VolumeAttachment> = {
  kind: VolumeAttachment,
  name: 'node',
  values: ({ spec }) => [spec.nodeName],
}
