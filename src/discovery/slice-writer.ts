import { sameMeaning } from '../base/equality.ts'
import type { OwnWrites } from '../client/own-writes.ts'
import type { World } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { EndpointSlice } from '../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import type { ObjectMeta } from '../models/types/meta-v1.ts'
import { type Desired, planSlices, type SlicePlan } from './slice-plan.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'

export interface SliceSet {
  world: World
  own: OwnWrites
  /** Whose slices these are. */
  key: ObjectKey
  manager: string
  /** Labels (with the two above), annotations and owner of each slice. */
  metadata: Pick<ObjectMeta, 'labels' | 'annotations' | 'ownerReferences'>
  desired: Desired[]
  /** Endpoints per slice, 100 unless given. */
  limit?: number
}

/** Slices in the cache that belong to a Service's name and are of one manager. */
export function slicesOf(world: World, key: ObjectKey, manager: string): EndpointSlice[] {
  return world.cache
    .list(EndpointSlice, key.namespace)
    .filter(s => s.metadata.labels?.[serviceNameLabel] === key.name && s.metadata.labels?.[managedByLabel] === manager)
}

/**
 * Writes what is missing, changed or too much.
 * @returns when to look again, if the cache has to catch up first
 */
export async function writeSlices(set: SliceSet): Promise<void | { afterMs: number }> {
  const { world, own, key, manager, desired, limit } = set
  const { cache, client } = world
  const fits = (slice: EndpointSlice) =>
    sameMeaning(slice.metadata.labels, set.metadata.labels) &&
    sameMeaning(slice.metadata.annotations ?? {}, set.metadata.annotations ?? {}) &&
    sameMeaning(slice.metadata.ownerReferences, set.metadata.ownerReferences)
  const planFor = (slices: EndpointSlice[]) =>
    planSlices(
      slices.filter(s => !s.metadata.deletionTimestamp),
      desired,
      fits,
      limit,
    )

  const cached = slicesOf(world, key, manager)
  let plan = planFor(cached)
  if (plan.create.length || plan.remove.length) {
    const trust = own.trust(key, k => cache.get(EndpointSlice, k))
    if (trust === 'wait') return { afterMs: own.patienceMs }
    if (trust === 'live') {
      const labelSelector = `${serviceNameLabel}=${key.name},${managedByLabel}=${manager}`
      const { items } = await client.list(EndpointSlice, { namespace: key.namespace!, labelSelector })
      own.listed(key, items, cached)
      plan = planFor(items)
    }
  }
  await carryOut(set, plan)
}

async function carryOut({ world, own, key, metadata }: SliceSet, plan: SlicePlan): Promise<void> {
  const { client } = world
  for (const { addressType, ports, endpoints } of plan.create) {
    const { namespace, name } = key
    const made = await client.create(EndpointSlice, {
      metadata: { ...metadata, namespace: namespace!, generateName: `${name}-` },
      addressType,
      ports,
      endpoints,
    })
    own.created(key, made)
  }
  for (const { existing, ports, endpoints } of plan.update)
    await client.update(EndpointSlice, {
      ...existing!,
      metadata: { ...existing!.metadata, ...metadata },
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
