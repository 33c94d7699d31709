import { holds } from '../models/conditions.ts'
import type { Node, PersistentVolume, Pod } from '../models/types/core-v1.ts'
import type { VolumeAttachment } from '../models/types/storage-v1.ts'
import { uniqueVolumeName } from '../plugins/index.ts'

/** A pod on a node that uses the volume. */
export interface VolumeUse {
  pod: Pod
  node: string
}

export interface AttachView {
  /** Undefined: it is gone. */
  volume: PersistentVolume | undefined
  uses: readonly VolumeUse[]
  attachments: readonly VolumeAttachment[]
  node(name: string): Node | undefined
  /** How long the attachment has been wanted no more, in milliseconds. */
  unwantedMs(attachment: VolumeAttachment): number
}

export interface AttachPlan {
  /** Names of nodes. */
  attach: string[]
  detach: VolumeAttachment[]
  /** Pods that must wait for another node to let go of the volume. */
  refused: VolumeUse[]
}

/** A node that does not answer keeps its volumes for so long. */
export const forceDetachMs = 360_000

/** Which nodes get the volume and which lose it: nobody loses what he has in use while his node is known to be well. */
export function planAttachments(view: AttachView): AttachPlan {
  const wanted = new Set(view.uses.map(u => u.node))
  const attachments = view.attachments
  const detach = attachments.filter(
    a => !a.metadata.deletionTimestamp && !wanted.has(a.spec.nodeName) && mayDetach(a, view),
  )
  const attach: string[] = []
  const refused: VolumeUse[] = []
  const taken = new Set(attachments.map(a => a.spec.nodeName))
  for (const use of view.uses) {
    if (taken.has(use.node)) continue
    const elsewhere = [...taken].some(node => node !== use.node)
    if (elsewhere && !isShared(view.volume)) refused.push(use)
    else {
      taken.add(use.node)
      attach.push(use.node)
    }
  }
  return { attach, detach, refused }
}

const isShared = (volume: PersistentVolume | undefined) =>
  volume?.spec.accessModes?.some(mode => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany') ?? false

function mayDetach(attachment: VolumeAttachment, { volume, node, unwantedMs }: AttachView): boolean {
  const found = node(attachment.spec.nodeName)
  const csi = volume?.spec.csi
  if (!found || !csi) return true
  if (!found.status?.volumesInUse?.includes(uniqueVolumeName(csi.driver, csi.volumeHandle))) return true
  // An administrator says that the node is off: nothing there can write any more.
  if (found.spec.taints?.some(t => t.key === 'node.kubernetes.io/out-of-service')) return true
  return !holds(found.status.conditions, 'Ready') && unwantedMs(attachment) >= forceDetachMs
}
