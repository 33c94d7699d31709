import { timestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Cache, Reconciler, World } from '../../client/reconciler.ts'
import { isNotFound } from '../../models/api-error.ts'
import { CSINode, PersistentVolume, VolumeAttachment } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import { type CsiController, capabilityOf, PluginRefused } from '../../plugins/index.ts'
import { attachmentsByNode } from '../attachment-indexes.ts'
import { secretValues } from './secrets.ts'

/** On an attachment: what the driver calls volume and node, for when both objects are gone. */
const handleAnnotation = 'optiflow.dev/csi-volume-handle'
const nodeAnnotation = 'csi.alpha.kubernetes.io/node-id'

/** Has a CSI driver attach volumes to nodes, and take them off again, as VolumeAttachments say. */
export function csiAttacherReconciler(name: string, driver: CsiController): Reconciler {
  const finalizer = `external-attacher/${name.replaceAll('.', '-')}`
  return {
    name: `csi-attacher-${name}`,
    primary: VolumeAttachment,
    watches: [
      { kind: CSINode, keys: ({ metadata }: CSINode, cache: Cache) => waitingOn(metadata.name, name, cache) },
      { kind: PersistentVolume, keys: () => [] },
    ],
    writes: [
      { kind: VolumeAttachment, part: 'metadata' },
      // One attacher for each driver.
      { kind: VolumeAttachment, part: 'condition' },
    ],
    async reconcile(key, world) {
      const attachment = world.cache.get(VolumeAttachment, key)
      if (!attachment || attachment.spec.attacher !== name) return
      if (!attachment.metadata.deletionTimestamp) {
        if (!attachment.status?.attached) await attach(world, driver, attachment, finalizer)
      } else if (attachment.metadata.finalizers?.includes(finalizer)) await detach(world, driver, attachment, finalizer)
    },
  }
}

const waitingOn = (node: string, attacher: string, cache: Cache) =>
  cache
    .byIndex(attachmentsByNode, node)
    .filter(a => a.spec.attacher === attacher && !a.status?.attached)
    .map(keyOf)

async function attach(world: World, driver: CsiController, found: VolumeAttachment, finalizer: string): Promise<void> {
  const { client, cache, clock } = world
  let attachment = found
  try {
    const volume = await client.get(PersistentVolume, { name: found.spec.source.persistentVolumeName ?? '' })
    const csi = volume.spec.csi
    if (!csi) throw new Error(`persistentvolume ${volume.metadata.name} is of no CSI driver`)
    const { nodeName, attacher } = found.spec
    const nodeId = cache.get(CSINode, { name: nodeName })?.spec.drivers?.find(d => d.name === attacher)?.nodeID
    if (!nodeId) throw new Error(`CSINode ${nodeName} does not contain driver ${attacher}`)
    // Before the driver is asked: whoever deletes the attachment from now on waits for it to be detached.
    attachment = await mark(world, found, finalizer, { [handleAnnotation]: csi.volumeHandle, [nodeAnnotation]: nodeId })
    const { publish_context } = (await driver.controllerCan('PUBLISH_UNPUBLISH_VOLUME'))
      ? await driver.publishToNode({
          volume_id: csi.volumeHandle,
          node_id: nodeId,
          volume_capability: capabilityOf({
            modes: volume.spec.accessModes ?? [],
            single: await driver.controllerCan('SINGLE_NODE_MULTI_WRITER'),
            block: volume.spec.volumeMode === 'Block',
            fsType: csi.fsType,
            mountFlags: volume.spec.mountOptions,
          }),
          readonly: csi.readOnly ?? false,
          secrets: await secretValues(client, fullName(csi.controllerPublishSecretRef)),
          volume_context: csi.volumeAttributes ?? {},
        })
      : { publish_context: {} }
    const status = { attached: true, attachmentMetadata: publish_context }
    await client.updateStatus(VolumeAttachment, { ...attachment, status })
  } catch (error) {
    const status = { attached: false, attachError: { time: timestamp(clock), message: explain(error) } }
    await client.updateStatus(VolumeAttachment, { ...attachment, status }).catch(() => {})
    throw error
  }
}

const fullName = (ref: { name?: string; namespace?: string } | undefined) =>
  ref?.name && ref.namespace ? { name: ref.name, namespace: ref.namespace } : undefined

async function mark(
  { client }: World,
  attachment: VolumeAttachment,
  finalizer: string,
  annotations: Record<string, string>,
): Promise<VolumeAttachment> {
  const { finalizers = [], resourceVersion, annotations: has = {} } = attachment.metadata
  if (finalizers.includes(finalizer) && Object.entries(annotations).every(([key, value]) => has[key] === value))
    return structuredClone(attachment)
  const metadata = { resourceVersion, annotations, finalizers: [...new Set([...finalizers, finalizer])] }
  return client.patch(VolumeAttachment, keyOf(attachment), { type: 'merge', body: { metadata } })
}

async function detach(
  world: World,
  driver: CsiController,
  attachment: VolumeAttachment,
  finalizer: string,
): Promise<void> {
  const { client, clock } = world
  const { annotations = {}, finalizers = [], resourceVersion } = attachment.metadata
  try {
    const volume_id = annotations[handleAnnotation]
    if (volume_id && (await driver.controllerCan('PUBLISH_UNPUBLISH_VOLUME'))) {
      const volume = await client
        .get(PersistentVolume, { name: attachment.spec.source.persistentVolumeName ?? '' })
        .catch(error => {
          if (!isNotFound(error)) throw error
        })
      const secrets = await secretValues(client, fullName(volume?.spec.csi?.controllerPublishSecretRef))
      await driver
        .unpublishFromNode({ volume_id, node_id: annotations[nodeAnnotation] ?? '', secrets })
        .catch(error => {
          if (!(error instanceof PluginRefused && error.notFound)) throw error
        })
    }
  } catch (error) {
    const status = {
      ...structuredClone(attachment.status),
      attached: attachment.status?.attached ?? false,
      detachError: { time: timestamp(clock), message: explain(error) },
    }
    await client.updateStatus(VolumeAttachment, { ...structuredClone(attachment), status }).catch(() => {})
    throw error
  }
  const metadata = { resourceVersion, finalizers: finalizers.filter(f => f !== finalizer) }
  await client.patch(VolumeAttachment, keyOf(attachment), { type: 'merge', body: { metadata } }).catch(error => {
    if (!isNotFound(error)) throw error
  })
}
