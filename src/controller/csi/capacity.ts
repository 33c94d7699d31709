import { compareQuantities, quantityOf } from '../../base/quantity.ts'
import type { Cache, CacheIndex, Reconciler, World } from '../../client/reconciler.ts'
import { isAlreadyExists, isNotFound } from '../../models/api-error.ts'
import {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  Node,
  PersistentVolume,
  StorageClass,
} from '../../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../../models/object.ts'
import type { CsiController } from '../../plugins/index.ts'
import { stableHash } from '../template-hash.ts'
import { classOf } from '../volume-match.ts'
import { driverParameters } from './parameters.ts'
import { type Segments, topologySegments } from './topology.ts'

const namespace = 'kube-system'
const driverLabel = 'csi.storage.k8s.io/drivername'
const managerLabel = 'csi.storage.k8s.io/managed-by'
const manager = 'optiflow'
/** What is used elsewhere, or beside Kubernetes, is noticed this late. */
const pollMs = 60_000

/** The capacities that were written for one class, by its name. */
const capacitiesByClass: CacheIndex<CSIStorageCapacity> = {
  kind: CSIStorageCapacity,
  name: 'class',
  values: ({ storageClassName }) => [storageClassName],
}
/** The classes of one provisioner, by its name. */
const classesByProvisioner: CacheIndex<StorageClass> = {
  kind: StorageClass,
  name: 'provisioner',
  values: ({ provisioner }) => [provisioner],
}

/**
 * Tells the scheduler how much room a driver has: one CSIStorageCapacity for each class whose volumes wait for their first
 * consumer and each part of the topology, as the driver itself counts it. Only for drivers whose CSIDriver says
 * `storageCapacity` and that can tell.
 */
export function csiCapacityReconciler(name: string, driver: CsiController): Reconciler {
  /** What the driver said last, by class. Nodes change often, and that is no reason to ask it. */
  const said = new Map<string, Rooms>()
  const classes = (_: unknown, cache: Cache) => cache.byIndex(classesByProvisioner, name).map(keyOf)
  return {
    name: `csi-capacity-${name}`,
    primary: StorageClass,
    watches: [
      { kind: CSIDriver, keys: (d: CSIDriver, cache) => (d.metadata.name === name ? classes(d, cache) : []) },
      { kind: CSINode, keys: classes },
      { kind: Node, keys: classes },
      {
        kind: PersistentVolume,
        keys(volume: PersistentVolume) {
          if (volume.spec.csi?.driver !== name) return []
          // What is given or taken back changes what is left.
          said.delete(classOf(volume))
          return [{ name: classOf(volume) }]
        },
      },
      { kind: CSIStorageCapacity, keys: c => (isOurs(name, c) ? [{ name: c.storageClassName }] : []) },
    ],
    writes: [{ kind: CSIStorageCapacity, part: 'owned' }],
    async reconcile(key, world) {
      const { cache } = world
      const found = cache.get(StorageClass, key)
      const counted = found?.provisioner === name && (await isCounted(found, name, driver, cache))
      const segments = counted ? topologySegments(name, cache) : []
      const known = cache.byIndex(capacitiesByClass, key.name).filter(c => isOurs(name, c))
      const wanted = new Set(segments.map(s => nameOf(name, key.name, s)))
      for (const old of known) if (!wanted.has(old.metadata.name)) await remove(world, old)
      if (!segments.length) return void said.delete(key.name)
      const before = said.get(key.name)
      // What changes while the driver is asked takes this away again, and so the next look asks anew.
      const rooms: Rooms = { class: found!.metadata.uid, parts: new Map() }
      said.set(key.name, rooms)
      const nowMs = world.clock.monotonicMs()
      for (const s of segments) {
        const part = nameOf(name, key.name, s)
        const last = before?.class === rooms.class ? before.parts.get(part) : undefined
        const room = last && nowMs - last.atMs < pollMs ? last : await ask(driver, found!, s, world)
        rooms.parts.set(part, room)
        await tell(world, name, found!, s, room)
      }
      return { afterMs: Math.min(...[...rooms.parts.values()].map(({ atMs }) => atMs + pollMs - nowMs)) }
    },
  }
}

const isOurs = (name: string, { metadata: { labels } }: CSIStorageCapacity) =>
  labels?.[driverLabel] === name && labels[managerLabel] === manager

async function isCounted(found: StorageClass, name: string, driver: CsiController, cache: Cache): Promise<boolean> {
  if (found.volumeBindingMode !== 'WaitForFirstConsumer') return false
  if (!cache.get(CSIDriver, { name })?.spec.storageCapacity) return false
  return driver.controllerCan('GET_CAPACITY')
}

/** The same for the same part, so that it is written once however often it is tried. */
const nameOf = (driver: string, className: string, segments: Segments) =>
  `csisc-${stableHash([driver, className, segments])}`

/** What a driver said of the volumes of one class, by the name of what tells it, for each part of its topology. */
interface Rooms {
  /** Its uid: a class of the same name may come later, with other parameters. */
  class: string
  parts: Map<string, Room>
}

/** What a driver said of one part of its topology. */
interface Room {
  capacity: string
  maximumVolumeSize: string | undefined
  /** Monotonic, of the answer. */
  atMs: number
}

async function ask(
  driver: CsiController,
  { parameters = {} }: StorageClass,
  segments: Segments,
  { clock }: World,
): Promise<Room> {
  const { available_capacity, maximum_volume_size } = await driver.capacity({
    parameters: driverParameters(parameters),
    accessible_topology: { segments },
  })
  return {
    capacity: quantityOf(available_capacity, 'BinarySI'),
    maximumVolumeSize: maximum_volume_size ? quantityOf(maximum_volume_size.value, 'BinarySI') : undefined,
    atMs: clock.monotonicMs(),
  }
}

async function tell(
  { cache, client }: World,
  name: string,
  { metadata }: StorageClass,
  segments: Segments,
  { capacity, maximumVolumeSize }: Room,
): Promise<void> {
  const at: ObjectKey = { namespace, name: nameOf(name, metadata.name, segments) }
  const known = cache.get(CSIStorageCapacity, at)
  if (known && same(known.capacity, capacity) && same(known.maximumVolumeSize, maximumVolumeSize)) return
  if (known) {
    const body = { capacity, maximumVolumeSize: maximumVolumeSize ?? null }
    await client.patch(CSIStorageCapacity, at, { type: 'merge', body })
    return
  }
  const draft = {
    metadata: { ...at, name: at.name, labels: { [driverLabel]: name, [managerLabel]: manager } },
    storageClassName: metadata.name,
    nodeTopology: { matchLabels: segments },
    capacity,
    ...(maximumVolumeSize === undefined ? {} : { maximumVolumeSize }),
  }
  await client.create(CSIStorageCapacity, draft).catch(error => {
    if (!isAlreadyExists(error)) throw error
  })
}

const same = (a: string | undefined, b: string | undefined) =>
  a === undefined || b === undefined ? a === b : compareQuantities(a, b) === 0

async function remove({ client }: World, old: CSIStorageCapacity): Promise<void> {
  try {
    await client.delete(CSIStorageCapacity, keyOf(old), { uid: old.metadata.uid })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
