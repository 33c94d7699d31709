import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isAlreadyExists, isNotFound } from '../models/api-error.ts'
import {
  CSIDriver,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  VolumeAttachment,
} from '../models/kinds/index.ts'
import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import { isPodTerminal } from '../models/pod-state.ts'
import { attachmentName, isAttachmentName } from '../plugins/index.ts'
import { AttachNews } from './attach-news.ts'
import { planAttachments, type VolumeUse } from './attach-plan.ts'
import { attachmentsByNode, attachmentsByVolume } from './attachment-indexes.ts'
import { claimsOf, podsByClaim } from './pod-indexes.ts'

const lookAgainMs = 10_000

/**
 * Says which volumes of CSI drivers belong to which nodes, by VolumeAttachments; the driver's attacher does the rest. A
 * volume is taken from a node when no pod there needs it and the node has let go of it.
 */
export function attachDetachReconciler(): Reconciler {
  /** Since when an attachment is wanted no more, by uid, in monotonic milliseconds. Losing it only makes us wait longer. */
  const unwanted = new Map<string, number>()
  const news = new AttachNews()
  return {
    name: 'attach-detach',
    eventsFrom: 'attachdetach-controller',
    primary: PersistentVolume,
    watches: [
      { kind: Pod, keys: volumesOfPod },
      { kind: PersistentVolumeClaim, keys: ({ spec }: PersistentVolumeClaim) => named(spec.volumeName) },
      { kind: VolumeAttachment, keys: ({ spec }: VolumeAttachment) => named(spec.source.persistentVolumeName) },
      { kind: Node, keys: (node: Node, cache: Cache) => volumesOn(node.metadata.name, cache) },
      { kind: CSIDriver, keys: volumesOfDriver },
    ],
    writes: [{ kind: VolumeAttachment, part: 'owned' }],
    async reconcile(key, world) {
      const { cache, clock } = world
      const volume = cache.get(PersistentVolume, key)
      const attachments = cache.byIndex(attachmentsByVolume, key.name).filter(a => isAttachmentName(a.metadata.name))
      const uses = volume && needsAttachment(volume, cache) ? usesOf(volume, cache) : []
      const now = clock.monotonicMs()
      const wanted = new Set(uses.map(u => u.node))
      for (const { metadata, spec } of attachments)
        if (wanted.has(spec.nodeName)) unwanted.delete(metadata.uid!)
        else if (!unwanted.has(metadata.uid!)) unwanted.set(metadata.uid!, now)
      const plan = planAttachments({
        volume,
        uses,
        attachments,
        node: name => cache.get(Node, { name }),
        unwantedMs: a => now - (unwanted.get(a.metadata.uid!) ?? now),
      })
      for (const attachment of plan.detach) {
        await detach(world, volume, attachment)
        unwanted.delete(attachment.metadata.uid!)
      }
      for (const node of plan.attach) await attach(world, volume!, node)
      news.tell(world, key.name, { volume, uses, attachments, refused: plan.refused })
      const waiting = attachments.some(a => !a.metadata.deletionTimestamp && !wanted.has(a.spec.nodeName))
      if (waiting || plan.refused.length) return { afterMs: lookAgainMs }
    },
  }
}

const named = (name: string | undefined): ObjectKey[] => (name ? [{ name }] : [])

function volumesOfPod(pod: Pod, cache: Cache): ObjectKey[] {
  return claimsOf(pod).flatMap(key => named(cache.get(PersistentVolumeClaim, key)?.spec.volumeName))
}

const volumesOn = (node: string, cache: Cache) =>
  cache.byIndex(attachmentsByNode, node).flatMap(a => named(a.spec.source.persistentVolumeName))

const volumesOfDriver = ({ metadata }: CSIDriver, cache: Cache) =>
  cache
    .list(PersistentVolume)
    .filter(v => v.spec.csi?.driver === metadata.name)
    .map(keyOf)

/** A driver that says nothing of itself wants its volumes attached. */
const needsAttachment = ({ spec }: PersistentVolume, cache: Cache) =>
  spec.csi !== undefined && cache.get(CSIDriver, { name: spec.csi.driver })?.spec.attachRequired !== false

function usesOf(volume: PersistentVolume, cache: Cache): VolumeUse[] {
  const { namespace, name, uid } = volume.spec.claimRef ?? {}
  const claim = name ? cache.get(PersistentVolumeClaim, { namespace: namespace!, name }) : undefined
  if (!claim || claim.metadata.uid !== uid || claim.spec.volumeName !== volume.metadata.name) return []
  return cache
    .byIndex(podsByClaim, keyText(keyOf(claim)))
    .filter(pod => pod.spec.nodeName && !isDone(pod))
    .map(pod => ({ pod, node: pod.spec.nodeName! }))
}

/** It does nothing with its volumes any more; whether its node does is what the node says itself. */
function isDone(pod: Pod): boolean {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {}
  const all = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses]
  return (
    isPodTerminal(pod) || (!!pod.metadata.deletionTimestamp && all.every(c => c.state?.terminated ?? c.state?.waiting))
  )
}

async function attach({ client }: World, volume: PersistentVolume, nodeName: string): Promise<void> {
  const { driver, volumeHandle } = volume.spec.csi!
  await client
    .create(VolumeAttachment, {
      metadata: { name: attachmentName(volumeHandle, driver, nodeName) },
      spec: { attacher: driver, nodeName, source: { persistentVolumeName: volume.metadata.name } },
    })
    .catch(error => {
      if (!isAlreadyExists(error)) throw error
    })
}

/** Our view may be behind: what is to be lost may have come into use on that node since. The server is asked. */
async function detach({ client }: World, volume: PersistentVolume | undefined, attachment: VolumeAttachment) {
  const { namespace, name } = volume?.spec.claimRef ?? {}
  if (name) {
    const fieldSelector = `spec.nodeName=${attachment.spec.nodeName}`
    const { items } = await client.list(Pod, { namespace: namespace!, fieldSelector })
    if (items.some(pod => !isDone(pod) && claimsOf(pod).some(c => c.name === name))) return
  }
  try {
    await client.delete(VolumeAttachment, keyOf(attachment), { uid: attachment.metadata.uid! })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
