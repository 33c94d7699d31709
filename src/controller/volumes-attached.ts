import { sameMeaning } from '../base/equality.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { Node, PersistentVolume, VolumeAttachment } from '../models/kinds/index.ts'
import type { AttachedVolume } from '../models/types/core-v1.ts'
import { uniqueVolumeName } from '../plugins/index.ts'
import { attachmentsByNode } from './attachment-indexes.ts'

/** Lists in each node's status the volumes that are attached to it. */
export function volumesAttachedReconciler(): Reconciler {
  return {
    name: 'volumes-attached',
    primary: Node,
    watches: [
      { kind: VolumeAttachment, keys: ({ spec }: VolumeAttachment) => [{ name: spec.nodeName }] },
      { kind: PersistentVolume, keys: () => [] },
    ],
    writes: [{ kind: Node, part: 'condition' }],
    async reconcile(key, { cache, client }) {
      const node = cache.get(Node, key)
      if (!node || node.metadata.deletionTimestamp) return
      const volumesAttached = attachedTo(key.name, cache)
      if (sameMeaning(node.status?.volumesAttached ?? [], volumesAttached)) return
      const body = { status: { volumesAttached: volumesAttached.length ? volumesAttached : null } }
      await client.patch(Node, key, { type: 'merge', body }, { subresource: 'status' }).catch(error => {
        if (!isNotFound(error)) throw error
      })
    },
  }
}

function attachedTo(node: string, cache: Cache): AttachedVolume[] {
  return cache
    .byIndex(attachmentsByNode, node)
    .filter(a => a.status?.attached)
    .flatMap(({ spec }) => {
      const csi = cache.get(PersistentVolume, { name: spec.source.persistentVolumeName ?? '' })?.spec.csi
      return csi ? [{ name: uniqueVolumeName(csi.driver, csi.volumeHandle), devicePath: '' }] : []
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
