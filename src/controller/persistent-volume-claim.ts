import { sameMeaning } from '../base/equality.ts'
import type { Client } from '../client/client.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../models/kinds/index.ts'
import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import { freeVolumes, volumesByClaim, waitingClaims } from './volume-indexes.ts'
import { bestVolume, boundByController, classOf, isFor, mismatchOf } from './volume-match.ts'

const bindCompleted = 'pv.kubernetes.io/bind-completed'
const provisionerAnnotations = [
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
]
const selectedNode = 'volume.kubernetes.io/selected-node'
const noProvisioner = 'kubernetes.io/no-provisioner'
const defaultClass = 'storageclass.kubernetes.io/is-default-class'
const lookAgainMs = 15_000

/** Gives claims their volumes: reserved ones, the smallest that fits, or, through a provisioner, a new one. */
export function persistentVolumeClaimReconciler(): Reconciler {
  return {
    name: 'persistent-volume-claim-binder',
    eventsFrom: 'persistentvolume-controller',
    primary: PersistentVolumeClaim,
    watches: [
      { kind: PersistentVolume, keys: claimsFor },
      {
        kind: StorageClass,
        keys: ({ metadata }: StorageClass, cache: Cache) => [...waiting(cache, metadata.name), ...waiting(cache, '')],
      },
      // A new node chosen by the scheduler arrives as an annotation of the claim itself.
      { kind: Pod, keys: () => [] },
    ],
    writes: [
      { kind: PersistentVolumeClaim, part: 'owned' },
      { kind: PersistentVolumeClaim, part: 'status' },
      { kind: PersistentVolume, part: 'owned' },
    ],
    // One at a time: two claims must not choose one volume.
    concurrency: 1,
    async reconcile(key, world) {
      const claim = world.cache.get(PersistentVolumeClaim, key)
      if (!claim) return
      if (claim.metadata.annotations?.[bindCompleted]) return keepBound(world, claim)
      if (claim.metadata.deletionTimestamp) return
      return bind(world, claim)
    },
  }
}

const waiting = (cache: Cache, className: string): ObjectKey[] => cache.byIndex(waitingClaims, className).map(keyOf)

function claimsFor(volume: PersistentVolume, cache: Cache): ObjectKey[] {
  const { claimRef } = volume.spec ?? {}
  if (claimRef?.name) return [{ namespace: claimRef.namespace!, name: claimRef.name }]
  return waiting(cache, classOf(volume))
}

async function bind(world: World, claim: PersistentVolumeClaim): Promise<void | { afterMs: number }> {
  const { cache, events } = world
  if (claim.spec?.volumeName) {
    const volume = cache.get(PersistentVolume, { name: claim.spec.volumeName })
    if (!volume) return pending(world, claim)
    if (volume.spec?.claimRef && !isFor(volume, claim)) {
      events.warning(claim, 'FailedBinding', `volume "${volume.metadata.name}" already bound to a different claim.`)
      return pending(world, claim)
    }
    const mismatch = volume.spec?.claimRef ? undefined : mismatchOf(volume, claim)
    if (mismatch) {
      const text = `Cannot bind to requested volume "${volume.metadata.name}": ${mismatch}`
      events.warning(claim, 'VolumeMismatch', text)
      return pending(world, claim)
    }
    return complete(world, claim, volume)
  }
  const seen = bestVolume(claim, candidates(cache, claim))
  const storageClass = cache.get(StorageClass, { name: classOf(claim) })
  const delayed =
    storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.metadata.annotations?.[selectedNode]
  if (seen && (!delayed || isFor(seen, claim))) {
    const volume = await stillFree(world, claim)
    if (volume) return complete(world, claim, volume)
  }
  // A volume without class is as good as one of the default class, and there already.
  if ((await withDefaultClass(world, claim)) !== claim) return
  if (delayed) {
    events.normal(claim, 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
    return pending(world, claim)
  }
  if (storageClass && storageClass.provisioner !== noProvisioner) return provision(world, claim, storageClass)
  if (storageClass) events.warning(claim, 'ProvisioningFailed', `no volume plugin matched name: ${noProvisioner}`)
  else if (classOf(claim))
    events.warning(claim, 'ProvisioningFailed', `storageclass.storage.k8s.io "${classOf(claim)}" not found`)
  else {
    const text = 'no persistent volumes available for this claim and no storage class is set'
    events.normal(claim, 'FailedBinding', text)
  }
  return pending(world, claim)
}

/** Volumes that are promised to the claim, and those of its class that are promised to nobody. */
const candidates = (cache: Cache, claim: PersistentVolumeClaim): PersistentVolume[] => [
  ...cache.byIndex(volumesByClaim, keyText(keyOf(claim))),
  ...cache.byIndex(freeVolumes, classOf(claim)),
]

/**
 * The best volume, as the server has it: one that is given away must not be given twice. Those that are gone, or given away since
 * the cache saw them, are passed over.
 */
async function stillFree(
  { cache, client }: World,
  claim: PersistentVolumeClaim,
): Promise<PersistentVolume | undefined> {
  const left = new Set(candidates(cache, claim))
  for (let seen = bestVolume(claim, [...left]); seen; seen = bestVolume(claim, [...left])) {
    const live = await liveVolume(client, seen)
    if (live && bestVolume(claim, [live])) return live
    left.delete(seen)
  }
  return undefined
}

async function liveVolume(client: Client, seen: PersistentVolume): Promise<PersistentVolume | undefined> {
  try {
    return await client.get(PersistentVolume, keyOf(seen))
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** A claim that names no class gets the default one, the newest if there are several. */
async function withDefaultClass(world: World, claim: PersistentVolumeClaim): Promise<PersistentVolumeClaim> {
  if (claim.spec?.storageClassName !== undefined || classOf(claim)) return claim
  const defaults = world.cache
    .list(StorageClass)
    .filter(c => c.metadata.annotations?.[defaultClass] === 'true')
    .sort((a, b) => ((a.metadata.creationTimestamp ?? '') > (b.metadata.creationTimestamp ?? '') ? -1 : 1))
  const [chosen] = defaults
  if (!chosen) return claim
  const { resourceVersion } = claim.metadata
  const body = { metadata: { resourceVersion }, spec: { storageClassName: chosen.metadata.name } }
  return world.client.patch(PersistentVolumeClaim, keyOf(claim), { type: 'merge', body })
}

/** The provisioner of the class does the rest: it makes a volume that is reserved for the claim. */
async function provision(
  world: World,
  claim: PersistentVolumeClaim,
  { provisioner }: StorageClass,
): Promise<{ afterMs: number }> {
  const { client, events } = world
  if (provisionerAnnotations.some(name => claim.metadata.annotations?.[name] !== provisioner)) {
    const annotations = Object.fromEntries(provisionerAnnotations.map(name => [name, provisioner]))
    const { resourceVersion } = claim.metadata
    await client.patch(PersistentVolumeClaim, keyOf(claim), {
      type: 'merge',
      body: { metadata: { resourceVersion, annotations } },
    })
  }
  const text = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
  events.normal(claim, 'ExternalProvisioning', text)
  await pending(world, claim)
  return { afterMs: lookAgainMs }
}

/** First the volume is promised to the claim, then the claim named its volume, then both statuses: each step can be the last before a crash. */
async function complete(world: World, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
  const { client } = world
  const { namespace, name, uid, resourceVersion } = claim.metadata
  let bound = volume
  if (!isFor(volume, claim) || volume.spec?.claimRef?.uid !== uid) {
    const claimRef = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: namespace!,
      name,
      uid,
      resourceVersion,
    }
    const annotations = volume.spec?.claimRef ? {} : { [boundByController]: 'yes' }
    const body = { metadata: { resourceVersion: volume.metadata.resourceVersion, annotations }, spec: { claimRef } }
    bound = await client.patch(PersistentVolume, keyOf(volume), { type: 'merge', body })
  }
  const annotations = {
    [bindCompleted]: 'yes',
    ...(claim.spec?.volumeName ? {} : { [boundByController]: 'yes' }),
  }
  const body = { metadata: { resourceVersion, annotations }, spec: { volumeName: bound.metadata.name } }
  const named = await client.patch(PersistentVolumeClaim, keyOf(claim), { type: 'merge', body })
  await writeStatus(world, named, boundStatus(named, bound))
}

function boundStatus(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
): NonNullable<PersistentVolumeClaim['status']> {
  return {
    ...claim.status,
    phase: 'Bound',
    ...(volume.spec?.accessModes ? { accessModes: volume.spec.accessModes } : {}),
    // A claim that has grown knows its size better than its volume does.
    ...(claim.status?.capacity ? {} : volume.spec?.capacity ? { capacity: volume.spec.capacity } : {}),
  }
}

/** Bound for good: if the volume is gone, so is what was on it. */
async function keepBound(world: World, claim: PersistentVolumeClaim): Promise<void> {
  const { cache, client, events } = world
  const name = claim.spec?.volumeName ?? ''
  const lost = async (reason: string, text: string) => {
    if (claim.status?.phase === 'Lost') return
    events.warning(claim, reason, text)
    const { accessModes: _, capacity: __, ...status } = claim.status ?? {}
    await writeStatus(world, claim, { ...status, phase: 'Lost' })
  }
  let volume = cache.get(PersistentVolume, { name })
  if (!volume) {
    try {
      volume = await client.get(PersistentVolume, { name })
    } catch (error) {
      if (!isNotFound(error)) throw error
      return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
    }
  }
  if (!volume.spec?.claimRef) return claim.metadata.deletionTimestamp ? undefined : complete(world, claim, volume)
  if (!isFor(volume, claim))
    return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
  if (!claim.metadata.deletionTimestamp && volume.spec.claimRef.uid !== claim.metadata.uid)
    return complete(world, claim, volume)
  await writeStatus(world, claim, boundStatus(claim, volume))
}

async function pending(world: World, claim: PersistentVolumeClaim): Promise<void> {
  if (claim.status?.phase && claim.status.phase !== 'Pending') return
  await writeStatus(world, claim, { ...claim.status, phase: 'Pending' })
}

async function writeStatus(
  world: World,
  claim: PersistentVolumeClaim,
  status: PersistentVolumeClaim['status'],
): Promise<void> {
  if (sameMeaning(claim.status, status)) return
  try {
    await world.client.updateStatus(PersistentVolumeClaim, { ...structuredClone(claim), status: status! })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
