import { timestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { compareQuantities, quantityToNumber } from '../../base/quantity.ts'
import type { Reconciler, World } from '../../client/reconciler.ts'
import { PersistentVolume, PersistentVolumeClaim } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import { type CsiController, capabilityOf } from '../../plugins/index.ts'
import { secretValues } from './secrets.ts'

/** Has a CSI driver grow the volumes of claims that ask for more than they have; file systems are grown by the node. */
export function csiResizerReconciler(name: string, driver: CsiController): Reconciler {
  return {
    name: `csi-resizer-${name}`,
    primary: PersistentVolumeClaim,
    watches: [{ kind: PersistentVolume, keys: () => [] }],
    writes: [
      { kind: PersistentVolume, part: 'owned' },
      { kind: PersistentVolumeClaim, part: 'condition' },
    ],
    async reconcile(key, world) {
      const claim = world.cache.get(PersistentVolumeClaim, key)
      if (claim?.status?.phase !== 'Bound' || claim.metadata.deletionTimestamp) return
      const volume = world.cache.get(PersistentVolume, { name: claim.spec.volumeName ?? '' })
      if (volume?.spec.csi?.driver !== name) return
      const wanted = claim.spec.resources?.requests?.['storage'] ?? '0'
      if (compareQuantities(wanted, claim.status.capacity?.['storage'] ?? wanted) <= 0) return
      if (compareQuantities(wanted, volume.spec.capacity?.['storage'] ?? '0') <= 0) return
      await grow(world, driver, claim, volume, wanted)
    },
  }
}

async function grow(
  { client, events, clock }: World,
  driver: CsiController,
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  wanted: string,
): Promise<void> {
  const csi = volume.spec.csi!
  const ref = csi.controllerExpandSecretRef
  try {
    const can = await driver.controllerCan('EXPAND_VOLUME')
    const grown = can
      ? await driver.expandVolume({
          volume_id: csi.volumeHandle,
          capacity_range: { required_bytes: quantityToNumber(wanted) },
          secrets: await secretValues(
            client,
            ref?.name && ref.namespace ? { name: ref.name, namespace: ref.namespace } : undefined,
          ),
          volume_capability: capabilityOf({
            modes: volume.spec.accessModes ?? [],
            single: await driver.controllerCan('SINGLE_NODE_MULTI_WRITER'),
            block: volume.spec.volumeMode === 'Block',
            fsType: csi.fsType,
          }),
        })
      : // Only nodes grow such volumes.
        { capacity_bytes: 0, node_expansion_required: true }
    if (grown.node_expansion_required) {
      // First the condition: the node acts as soon as the volume is larger.
      const condition = {
        type: 'FileSystemResizePending',
        status: 'True',
        message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
        lastTransitionTime: timestamp(clock),
      }
      await writeStatus(client, claim, { conditions: [...others(claim), condition] })
      events.normal(claim, 'FileSystemResizeRequired', 'Require file system resize of volume on node')
    }
    await client.patch(PersistentVolume, keyOf(volume), {
      type: 'merge',
      body: { spec: { capacity: { storage: wanted } } },
    })
    if (grown.node_expansion_required) return
    await writeStatus(client, claim, { capacity: { storage: wanted }, conditions: others(claim) })
    events.normal(claim, 'VolumeResizeSuccessful', 'Resize volume succeeded')
  } catch (error) {
    events.warning(claim, 'VolumeResizeFailed', `resize volume "${volume.metadata.name}" failed: ${explain(error)}`)
    throw error
  }
}

const others = ({ status }: PersistentVolumeClaim) =>
  (status?.conditions ?? []).filter(c => !/^(FileSystemResizePending|Resizing)$/.test(c.type))

async function writeStatus(client: World['client'], claim: PersistentVolumeClaim, status: object): Promise<void> {
  await client.patch(
    PersistentVolumeClaim,
    keyOf(claim),
    { type: 'merge', body: { status } },
    { subresource: 'status' },
  )
}
