import { sameMeaning } from '../base/equality.ts'
import type { OwnWrites } from '../client/own-writes.ts'
import type { Cache, CacheIndex, World } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { EndpointSlice } from '../models/kinds/index.ts'
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../models/object.ts'
import type { ObjectMeta } from '../models/types/meta-v1.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { triggerTimeAnnotation } from './service-pods.ts'
import { type SliceMonitor, sliceReport } from './slice-monitor.ts'
import { type Desired, planSlices, type SlicePlan } from './slice-plan.ts'

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'

export interface SliceSet {
  world: World
  own: OwnWrites
  /** Whose slices these are. */
  key: ObjectKey
  manager: string
  /** Labels (with the two above) and owner of each slice, and annotations; those of a slice are left alone if none are given. */
  metadata: Pick<ObjectMeta, 'labels' | 'annotations' | 'ownerReferences'>
  desired: Desired[]
  /** Whether what the slices are made from is still there; asked before the first slice is made. */
  exists(): Promise<boolean>
  /** Endpoints per slice, 100 unless given. */
  limit?: number
  /** When that happened which the slices are to tell of now. */
  trigger?: string | undefined
  monitor?: SliceMonitor
}

/** Whether the server still has an object that the cache shows. */
export async function stillExists<T extends KubeObject>({ client }: World, kind: Kind<T>, object: T): Promise<boolean> {
  try {
    const { uid, deletionTimestamp } = (await client.get(kind, keyOf(object))).metadata
    return uid === object.metadata.uid && !deletionTimestamp
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

const slicesByService: CacheIndex<EndpointSlice> = {
  kind: EndpointSlice,
  name: 'service',
  values({ metadata: { namespace, labels } }) {
    const name = labels?.[serviceNameLabel]
    return name ? [`${namespace}/${name}`] : []
  },
}

/** All slices of a Service's name, whoever writes them. */
export const slicesNamed = (cache: Cache, service: ObjectKey): EndpointSlice[] =>
  cache.byIndex(slicesByService, keyText(service))

/** Slices in the cache that belong to a Service's name and are of one manager. */
export function slicesOf(world: World, key: ObjectKey, manager: string): EndpointSlice[] {
  return slicesNamed(world.cache, key).filter(s => s.metadata.labels?.[managedByLabel] === manager)
}

/** Where a slice of one manager belongs: the key of its Service. */
export function keysOfSlice({ metadata: { labels, namespace } }: EndpointSlice, manager: string): ObjectKey[] {
  const name = labels?.[serviceNameLabel]
  return name && labels[managedByLabel] === manager ? [{ namespace: namespace!, name }] : []
}

/**
 * Writes what is missing, changed or too much.
 * @returns when to look again, if the cache has to catch up first
 */
export async function writeSlices(set: SliceSet): Promise<void | { afterMs: number }> {
  const { world, own, key, manager, desired, limit } = set
  const { cache, client } = world
  const isOurs = ({ metadata: { ownerReferences = [] } }: EndpointSlice) =>
    (set.metadata.ownerReferences ?? []).every(({ uid }) => ownerReferences.some(ref => ref.uid === uid))
  const { annotations } = set.metadata
  const fits = (slice: EndpointSlice) =>
    sameMeaning(slice.metadata.labels, set.metadata.labels) &&
    (!annotations || sameMeaning(undated(slice.metadata.annotations), annotations))
  const planFor = (slices: EndpointSlice[]) => {
    const living = slices.filter(s => !s.metadata.deletionTimestamp)
    const plan = planSlices(living.filter(isOurs), desired, fits, limit)
    // Of one of that name from before: gone or going with it.
    return { ...plan, remove: [...plan.remove, ...living.filter(s => !isOurs(s))] }
  }

  const cached = slicesOf(world, key, manager)
  const plan = planFor(cached)
  if (plan.create.length || plan.remove.length) {
    if (own.trust(key, k => cache.get(EndpointSlice, k)) === 'wait') return { afterMs: own.patienceMs }
    const labelSelector = `${serviceNameLabel}=${key.name},${managedByLabel}=${manager}`
    const { items } = await client.list(EndpointSlice, { namespace: key.namespace!, labelSelector })
    own.listed(key, items, cached)
    // What the slices should say comes from the cache: as long as that is behind, it would be the endpoints of yesterday.
    if (!sameVersions(items, cached)) return { afterMs: own.patienceMs }
    if (plan.create.length && !(await set.exists())) return { afterMs: own.patienceMs }
  }
  await carryOut(set, plan)
  set.monitor?.synced(key, sliceReport(cached, desired, plan))
}

function sameVersions(live: readonly EndpointSlice[], cached: readonly EndpointSlice[]): boolean {
  const known = new Map(cached.map(s => [s.metadata.uid, s.metadata.resourceVersion]))
  return live.length === cached.length && live.every(s => known.get(s.metadata.uid) === s.metadata.resourceVersion)
}

const undated = ({ [triggerTimeAnnotation]: _, ...annotations }: Record<string, string> = {}) => annotations

async function carryOut({ world, own, key, trigger, ...set }: SliceSet, plan: SlicePlan): Promise<void> {
  const dated = (annotations?: Record<string, string>) => ({
    ...annotations,
    ...(trigger ? { [triggerTimeAnnotation]: trigger } : {}),
  })
  const { labels, ownerReferences, annotations } = set.metadata
  const { client } = world
  for (const { addressType, ports, endpoints } of plan.create) {
    const { namespace, name } = key
    const made = await client.create(EndpointSlice, {
      metadata: {
        ...({ labels, ownerReferences, annotations: dated(annotations) } as ObjectMeta),
        ...{ namespace: namespace!, generateName: `${name}-` },
      },
      addressType,
      ports,
      endpoints,
    })
    own.created(key, made)
  }
  for (const { existing, ports, endpoints } of plan.update)
    await client.update(EndpointSlice, {
      ...existing!,
      metadata: {
        ...existing!.metadata,
        labels: labels ?? {},
        annotations: dated(annotations ?? undated(existing!.metadata.annotations)),
      },
      ports,
      endpoints,
    })
  for (const slice of plan.remove) {
    try {
      await client.delete(EndpointSlice, keyOf(slice), { uid: slice.metadata.uid })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    own.deleted(key, slice)
  }
}

/** For what needs no slices any more. */
export async function removeSlices(world: World, slices: readonly EndpointSlice[]): Promise<void> {
  for (const slice of slices)
    try {
      await world.client.delete(EndpointSlice, keyOf(slice), { uid: slice.metadata.uid })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
}
