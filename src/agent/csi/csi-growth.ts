import { type Clock, timestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { compareQuantities, quantityToNumber } from '../../base/quantity.ts'
import type { Client } from '../../client/index.ts'
import { withCondition } from '../../models/conditions.ts'
import { PersistentVolume } from '../../models/kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../models/kinds/core/persistent-volume-claim.ts'
import { keyOf } from '../../models/object.ts'
import { type CsiDriver, PluginRefused } from '../../plugins/index.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { ClaimedVolume } from '../volume/claimed-volume.ts'
import { type ReadyVolume, secretsOf } from './csi-use.ts'

interface Growth {
  client: Client
  objects: ReferencedObjects
  clock: Clock
}

const resizeConditions = /^(FileSystemResizePending|Resizing|ControllerResizeError|NodeResizeError)$/
/** Of a claim whose growing is the node's to do; absent: whoever grew the volume does not tell. */
const ours = new Set<string | undefined>([undefined, 'NodeResizePending', 'NodeResizeInProgress'])
/** gRPC's InvalidArgument, NotFound and OutOfRange. */
const impossible = new Set([3, 5, 11])

/** A volume that has become larger than its claim says is grown on the node (its file system), and the claim told how far that has come. */
export async function growOnNode(
  growth: Growth,
  driver: CsiDriver,
  ready: ReadyVolume,
  known: ClaimedVolume,
): Promise<void> {
  const { client, objects } = growth
  const claim = await objects.get(PersistentVolumeClaim, keyOf(known.claim))
  const volume = await objects.get(PersistentVolume, keyOf(known.volume))
  const wanted = volume?.spec.capacity?.['storage']
  const has = claim?.status?.capacity?.['storage']
  if (!claim || !wanted || !has || compareQuantities(wanted, has) <= 0 || ready.use.readOnly) return
  const phase = claim.status?.allocatedResourceStatuses?.['storage']
  if (!ours.has(phase)) return
  let seen = claim
  if (phase === 'NodeResizePending') seen = await tell(client, claim, { ...inPhase('NodeResizeInProgress') })
  if (await driver.nodeCan('EXPAND_VOLUME'))
    try {
      await driver.expandOnNode({
        volume_id: ready.use.handle,
        volume_path: ready.path,
        staging_target_path: ready.stagingPath,
        volume_capability: ready.capability,
        capacity_range: { required_bytes: quantityToNumber(wanted) },
        secrets: await secretsOf(objects, ready.use.expandSecret),
      })
    } catch (error) {
      if (phase) await tellFailure(growth, seen, error)
      throw error
    }
  const conditions = (claim.status?.conditions ?? []).filter(c => !resizeConditions.test(c.type))
  // What a resizer has noted of the growth is over too.
  await tell(client, seen, { capacity: { storage: wanted }, conditions, ...(phase ? inPhase(null) : {}) })
}

const inPhase = (storage: string | null) => ({ allocatedResourceStatuses: { storage } })

function tell(client: Client, claim: PersistentVolumeClaim, status: object): Promise<PersistentVolumeClaim> {
  const body = { metadata: { resourceVersion: claim.metadata.resourceVersion }, status }
  return client.patch(PersistentVolumeClaim, keyOf(claim), { type: 'merge', body }, { subresource: 'status' })
}

/** What the driver calls impossible is the controller's to decide: people may ask for less. */
async function tellFailure({ client, clock }: Growth, claim: PersistentVolumeClaim, error: unknown): Promise<void> {
  const condition = {
    type: 'NodeResizeError',
    status: 'True',
    message: `failed to expand pvc with ${explain(error)}`,
    lastTransitionTime: timestamp(clock),
  }
  const isImpossible = error instanceof PluginRefused && impossible.has(error.code)
  await tell(client, claim, {
    conditions: withCondition(claim.status?.conditions, condition),
    ...(isImpossible ? inPhase('NodeResizeInfeasible') : {}),
  })
}
