import { compareQuantities, quantityToNumber } from '../../base/quantity.ts'
import type { Client } from '../../client/index.ts'
import { PersistentVolume } from '../../models/kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../models/kinds/core/persistent-volume-claim.ts'
import { keyOf } from '../../models/object.ts'
import type { CsiDriver } from '../../plugins/index.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { ClaimedVolume } from '../volume/claimed-volume.ts'
import { type ReadyVolume, secretsOf } from './csi-use.ts'

/** A volume that has become larger than its claim says is grown on the node (its file system), and the claim told. */
export async function growOnNode(
  { client, objects }: { client: Client; objects: ReferencedObjects },
  driver: CsiDriver,
  ready: ReadyVolume,
  known: ClaimedVolume,
): Promise<void> {
  const claim = await objects.get(PersistentVolumeClaim, keyOf(known.claim))
  const volume = await objects.get(PersistentVolume, keyOf(known.volume))
  const wanted = volume?.spec.capacity?.['storage']
  const has = claim?.status?.capacity?.['storage']
  if (!claim || !wanted || !has || compareQuantities(wanted, has) <= 0 || ready.use.readOnly) return
  if (await driver.nodeCan('EXPAND_VOLUME'))
    await driver.expandOnNode({
      volume_id: ready.use.handle,
      volume_path: ready.path,
      staging_target_path: ready.stagingPath,
      volume_capability: ready.capability,
      capacity_range: { required_bytes: quantityToNumber(wanted) },
      secrets: await secretsOf(objects, ready.use.expandSecret),
    })
  const conditions = (claim.status?.conditions ?? []).filter(c => !/^(FileSystemResizePending|Resizing)$/.test(c.type))
  const body = {
    metadata: { resourceVersion: claim.metadata.resourceVersion },
    status: {
      ...{ capacity: { storage: wanted }, conditions },
      // What a resizer has noted of the growth is over too.
      ...(claim.status?.allocatedResourceStatuses ? { allocatedResourceStatuses: null } : {}),
    },
  }
  await client.patch(PersistentVolumeClaim, keyOf(claim), { type: 'merge', body }, { subresource: 'status' })
}
