import { timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { PersistentVolume, PersistentVolumeClaim, VolumeAttachment } from '../models/kinds/index.ts'
import { provisionedByAnnotation } from '../models/local-volume.ts'
import { keyOf, keyText } from '../models/object.ts'
import { volumesByClaim } from './volume-indexes.ts'
import { boundByController } from './volume-match.ts'

/** On volumes of which we delete what is on them: one that somebody deletes before its claim takes its data along all the same. */
export const deletionFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer'

/** Deletes what was on a volume, of one provisioner, and then resolves. */
export interface VolumeDeleter {
  accepts(volume: PersistentVolume): boolean
  /** @throws when it could not be deleted */
  delete(volume: PersistentVolume, world: World): Promise<void>
}

/** Follows volumes' claims: Available, Bound, Released, and gone again as their reclaim policy says. */
export function persistentVolumeReconciler(options: { deleters?: VolumeDeleter[] } = {}): Reconciler {
  return {
    name: 'persistent-volume-binder',
    eventsFrom: 'persistentvolume-controller',
    primary: PersistentVolume,
    watches: [
      {
        kind: PersistentVolumeClaim,
        keys: (claim: PersistentVolumeClaim, cache: Cache) => [
          ...(claim.spec?.volumeName ? [{ name: claim.spec.volumeName }] : []),
          ...cache.byIndex(volumesByClaim, keyText(keyOf(claim))).map(keyOf),
        ],
      },
      {
        kind: VolumeAttachment,
        // Nothing is deleted that is attached to a node still.
        keys: ({ spec }: VolumeAttachment) =>
          spec.source.persistentVolumeName ? [{ name: spec.source.persistentVolumeName }] : [],
      },
    ],
    writes: [
      { kind: PersistentVolume, part: 'owned' },
      { kind: PersistentVolume, part: 'status' },
    ],
    async reconcile(key, world) {
      const volume = world.cache.get(PersistentVolume, key)
      if (!volume) return
      const deleter = options.deleters?.find(d => d.accepts(volume))
      if (deleter && (await keepFinalizer(world, volume))) return
      const { claimRef } = volume.spec ?? {}
      if (!claimRef) return setPhase(world, volume, 'Available')
      // Reserved, and nobody has come for it yet.
      if (!claimRef.uid) return setPhase(world, volume, 'Available')
      const claim = await claimOf(world, claimRef as { namespace: string; name: string; uid: string })
      if (claim?.spec?.volumeName === key.name) return setPhase(world, volume, 'Bound')
      // Its binder has yet to come to it.
      if (claim && !claim.spec?.volumeName) return
      const made = volume.metadata.annotations?.[provisionedByAnnotation] !== undefined
      if (claim && !(made && deletes(volume))) return unbind(world, volume)
      return reclaim(world, volume, deleter)
    },
  }
}

/** The claim with that uid: the cache may be behind, and what follows from its absence cannot be undone. */
async function claimOf(
  { cache, client }: World,
  { namespace, name, uid }: { namespace: string; name: string; uid: string },
): Promise<PersistentVolumeClaim | undefined> {
  const cached = cache.get(PersistentVolumeClaim, { namespace, name })
  if (cached?.metadata.uid === uid) return cached
  try {
    const live = await client.get(PersistentVolumeClaim, { namespace, name })
    return live.metadata.uid === uid ? live : undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const deletes = ({ spec }: PersistentVolume) => spec?.persistentVolumeReclaimPolicy === 'Delete'
const isHeld = ({ metadata }: PersistentVolume) => metadata.finalizers?.includes(deletionFinalizer) ?? false

/** The finalizer follows the reclaim policy. @returns whether it was changed */
async function keepFinalizer(world: World, volume: PersistentVolume): Promise<boolean> {
  const { deletionTimestamp } = volume.metadata
  const wanted = deletes(volume) && (isHeld(volume) || (volume.status?.phase === 'Bound' && !deletionTimestamp))
  if (wanted === isHeld(volume)) return false
  await setHeld(world, volume, wanted)
  return true
}

async function setHeld({ client }: World, volume: PersistentVolume, held: boolean): Promise<void> {
  const { finalizers: before = [], resourceVersion } = volume.metadata
  const others = before.filter(f => f !== deletionFinalizer)
  const finalizers = held ? [...others, deletionFinalizer] : others
  const body = { metadata: { resourceVersion, finalizers } }
  await client.patch(PersistentVolume, keyOf(volume), { type: 'merge', body })
}

/** Its claim has another volume: this one is free again, or, where a person reserved it, waits for the claim of that name. */
async function unbind({ client }: World, volume: PersistentVolume): Promise<void> {
  const { annotations, resourceVersion } = volume.metadata
  const ours = annotations?.[boundByController] !== undefined
  const body = {
    metadata: { resourceVersion, ...(ours ? { annotations: { [boundByController]: null } } : {}) },
    spec: { claimRef: ours ? null : { uid: null, resourceVersion: null } },
  }
  await client.patch(PersistentVolume, keyOf(volume), { type: 'merge', body })
}

/** Somebody outside deletes what is on it: the provisioner that made it, or the driver that it is of. */
const isOthers = ({ metadata: { annotations = {} }, spec }: PersistentVolume): boolean =>
  spec?.csi !== undefined ||
  annotations['pv.kubernetes.io/migrated-to'] !== undefined ||
  !/^(kubernetes\.io\/.*)?$/.test(annotations[provisionedByAnnotation] ?? '')

async function reclaim(world: World, volume: PersistentVolume, deleter: VolumeDeleter | undefined): Promise<void> {
  const { client, events } = world
  const abandoned = deletes(volume) && !deleter && !isOthers(volume)
  if (abandoned && volume.status?.phase === 'Failed') return
  const released = await setPhase(world, volume, 'Released')
  if (abandoned) {
    const text = `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`
    events.warning(volume, 'VolumeFailedDelete', text)
    const now = await client.get(PersistentVolume, keyOf(volume))
    return setPhase(world, now, 'Failed', text)
  }
  // Provisioned from outside: its provisioner sees the phase and deletes it.
  if (!deletes(volume) || !deleter) return released
  const leaving = volume.metadata.deletionTimestamp !== undefined
  if (leaving && !isHeld(volume)) return
  try {
    await deleter.delete(volume, world)
    if (isHeld(volume)) await setHeld(world, await client.get(PersistentVolume, keyOf(volume)), false)
    if (!leaving) await client.delete(PersistentVolume, keyOf(volume), { uid: volume.metadata.uid })
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return
    events.warning(volume, 'VolumeFailedDelete', explain(error))
    throw error
  }
}

async function setPhase(
  { client, clock }: World,
  volume: PersistentVolume,
  phase: 'Available' | 'Bound' | 'Released' | 'Failed',
  message?: string,
): Promise<void> {
  if (volume.status?.phase === phase) return
  const { message: _, ...before } = volume.status ?? {}
  const status = { ...before, phase, ...(message ? { message } : {}), lastPhaseTransitionTime: timestamp(clock) }
  try {
    await client.updateStatus(PersistentVolume, { ...structuredClone(volume), status })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
