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
import { planAttachments, type VolumeUse } from './attach-plan.ts'
import { claimsOf, podsByClaim } from './pod-indexes.ts'

const lookAgainMs = 10_000

/**
 * Says which volumes of CSI drivers belong to which nodes, by VolumeAttachments; the driver's attacher does the rest. A
 * volume is taken from a node when no pod there needs it and the node has let go of it.
 */
export function attachDetachReconciler(): Reconciler {
  /** Since when an attachment is wanted no more, by uid, in monotonic milliseconds. Losing it only makes us wait longer. */
  const unwanted = new Map<string, number>()
  const told = new Set<string>()
  return {
    name: 'attach-detach',
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
      const attachments = cache
        .list(VolumeAttachment)
        .filter(a => a.spec.source.persistentVolumeName === key.name && isAttachmentName(a.metadata.name))
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
      tell(world, { volume, uses, attachments, refused: plan.refused, told })
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
  cache
    .list(VolumeAttachment)
    .filter(a => a.spec.nodeName === node)
    .flatMap(a => named(a.spec.source.persistentVolumeName))

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
    .filter(pod => pod.spec.nodeName && !isPodTerminal(pod))
    .map(pod => ({ pod, node: pod.spec.nodeName! }))
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
    if (items.some(pod => !isPodTerminal(pod) && claimsOf(pod).some(c => c.name === name))) return
  }
  try {
    await client.delete(VolumeAttachment, keyOf(attachment), { uid: attachment.metadata.uid! })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

function tell(
  { events }: World,
  about: {
    volume: PersistentVolume | undefined
    uses: readonly VolumeUse[]
    attachments: readonly VolumeAttachment[]
    refused: readonly VolumeUse[]
    told: Set<string>
  },
): void {
  const { volume, uses, attachments, refused, told } = about
  const name = volume?.metadata.name
  for (const { pod, node } of refused) {
    const others = uses.filter(u => u.node !== node).map(u => u.pod.metadata.name)
    const who = others.length
      ? `Volume is already used by pod(s) ${others.join(', ')}`
      : "Volume is already exclusively attached to one node and can't be attached to another"
    events.warning(pod, 'FailedAttachVolume', `Multi-Attach error for volume "${name}" ${who}`)
  }
  for (const { metadata, spec, status } of attachments) {
    if (!status?.attached || told.has(metadata.uid!)) continue
    told.add(metadata.uid!)
    for (const { pod, node } of uses)
      if (node === spec.nodeName)
        events.normal(pod, 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${name}" `)
  }
}
