import { backoffMs } from '../../base/backoff.ts'
import { timestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { quantityToNumber } from '../../base/quantity.ts'
import type { Reconciler, World } from '../../client/reconciler.ts'
import { withCondition } from '../../models/conditions.ts'
import { PersistentVolume, PersistentVolumeClaim } from '../../models/kinds/index.ts'
import { keyOf, keyText } from '../../models/object.ts'
import { type CsiController, capabilityOf, PluginRefused } from '../../plugins/index.ts'
import { isResizeCondition, type ResizeStatus, resizeStep } from './resize-plan.ts'
import { secretValues } from './secrets.ts'

/** Has a CSI driver grow the volumes of claims that ask for more than they have; file systems are grown by the node. */
export function csiResizerReconciler(name: string, driver: CsiController): Reconciler {
  const refusals = new Map<string, Refusal>()
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
      if (claim?.status?.phase !== 'Bound' || claim.metadata.deletionTimestamp)
        return void refusals.delete(keyText(key))
      const volume = world.cache.get(PersistentVolume, { name: claim.spec.volumeName ?? '' })
      if (volume?.spec.csi?.driver !== name) return
      const step = resizeStep(claim, volume)
      if (step === 'tryNode') await waitForNode(world, claim)
      if (!step || step === 'tryNode') return
      const nowMs = world.clock.monotonicMs()
      const before = refusals.get(keyText(key))
      const refused = before?.size === step.size ? before : undefined
      // Our own statuses wake us: only time, or another size, is a reason to ask again.
      if (refused && nowMs < refused.untilMs) return { afterMs: refused.untilMs - nowMs }
      try {
        await grow(world, { name, driver }, claim, volume, step.size)
        refusals.delete(keyText(key))
      } catch (error) {
        const times = (refused?.times ?? 0) + 1
        if (error instanceof PluginRefused)
          refusals.set(keyText(key), { size: step.size, times, untilMs: nowMs + backoffMs(refusalBackoff, times) })
        throw error
      }
    },
  }
}

interface Refusal {
  size: string
  times: number
  /** On the monotonic clock. */
  untilMs: number
}

const refusalBackoff = { baseMs: 1_000, maxMs: 300_000 }

async function grow(
  world: World,
  { name, driver }: { name: string; driver: CsiController },
  found: PersistentVolumeClaim,
  volume: PersistentVolume,
  wanted: string,
): Promise<void> {
  const { client, events, clock } = world
  const now = timestamp(clock)
  let claim = found
  try {
    // First the size: from now on it is this one that is finished, whatever is asked for meanwhile.
    if (phaseOf(claim) !== 'ControllerResizeInProgress' || claim.status?.allocatedResources?.['storage'] !== wanted)
      claim = await writeStatus(client, claim, {
        ...phase('ControllerResizeInProgress'),
        allocatedResources: { ...claim.status?.allocatedResources, storage: wanted },
        conditions: [...others(claim), { type: 'Resizing', status: 'True', lastTransitionTime: now }],
      })
    events.normal(claim, 'Resizing', `External resizer is resizing volume ${volume.metadata.name}`)
    const { capacity_bytes, node_expansion_required } = await expanded(world, driver, volume, wanted)
    const size = capacity_bytes && capacity_bytes !== quantityToNumber(wanted) ? String(capacity_bytes) : wanted
    // First the condition: the node acts as soon as the volume is larger.
    if (node_expansion_required) claim = await waitForNode(world, claim)
    await client.patch(PersistentVolume, keyOf(volume), {
      type: 'merge',
      body: { spec: { capacity: { storage: size } } },
    })
    if (node_expansion_required) return
    await writeStatus(client, claim, { ...phase(null), capacity: { storage: size }, conditions: others(claim) })
    events.normal(claim, 'VolumeResizeSuccessful', 'Resize volume succeeded')
  } catch (error) {
    await tellFailure(world, claim, `resize volume "${volume.metadata.name}" by resizer "${name}" failed`, error)
    throw error
  }
}

function expanded({ client }: World, driver: CsiController, volume: PersistentVolume, wanted: string) {
  const csi = volume.spec.csi!
  const ref = csi.controllerExpandSecretRef
  const secret = ref?.name && ref.namespace ? { name: ref.name, namespace: ref.namespace } : undefined
  return driver.controllerCan('EXPAND_VOLUME').then(async can =>
    can
      ? driver.expandVolume({
          volume_id: csi.volumeHandle,
          capacity_range: { required_bytes: quantityToNumber(wanted) },
          secrets: await secretValues(client, secret),
          volume_capability: capabilityOf({
            modes: volume.spec.accessModes ?? [],
            single: await driver.controllerCan('SINGLE_NODE_MULTI_WRITER'),
            block: volume.spec.volumeMode === 'Block',
            fsType: csi.fsType,
          }),
        })
      : // Only nodes grow such volumes.
        { capacity_bytes: 0, node_expansion_required: true },
  )
}

async function waitForNode({ client, events, clock }: World, claim: PersistentVolumeClaim) {
  const condition = {
    type: 'FileSystemResizePending',
    status: 'True',
    message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
    lastTransitionTime: timestamp(clock),
  }
  const written = await writeStatus(client, claim, {
    ...phase('NodeResizePending'),
    conditions: withCondition(claim.status?.conditions, condition),
  })
  events.normal(claim, 'FileSystemResizeRequired', 'Require file system resize of volume on node')
  return written
}

/** What a driver calls impossible may be asked for again with another size: the claim says so. */
async function tellFailure(
  { client, events, clock }: World,
  claim: PersistentVolumeClaim,
  what: string,
  error: unknown,
): Promise<void> {
  events.warning(claim, 'VolumeResizeFailed', `${what}: ${explain(error)}`)
  if (!(error instanceof PluginRefused)) return
  const condition = {
    type: 'ControllerResizeError',
    status: 'True',
    message: `failed to expand pvc with ${explain(error)}`,
    lastTransitionTime: timestamp(clock),
  }
  const status = {
    ...(impossible.has(error.code) ? phase('ControllerResizeInfeasible') : {}),
    conditions: withCondition(claim.status?.conditions, condition),
  }
  await writeStatus(client, claim, status)
}

/** gRPC's InvalidArgument, NotFound and OutOfRange. */
const impossible = new Set([3, 5, 11])

const phaseOf = ({ status }: PersistentVolumeClaim) => status?.allocatedResourceStatuses?.['storage']
const phase = (storage: ResizeStatus | null) => ({ allocatedResourceStatuses: { storage } })
const others = ({ status }: PersistentVolumeClaim) => (status?.conditions ?? []).filter(c => !isResizeCondition(c))

function writeStatus(client: World['client'], claim: PersistentVolumeClaim, status: object) {
  const body = { status }
  return client.patch(PersistentVolumeClaim, keyOf(claim), { type: 'merge', body }, { subresource: 'status' })
}
