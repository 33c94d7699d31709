import { gpuDevicesAnnotation, gpuMilliResource, wholeDevice } from '../../models/gpu.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { units } from '../pod/resources.ts'
import { maskOf, type NodeMask } from '../topology/numa.ts'
import type { DevicePromise } from './promises.ts'

/** Devices of one resource, as far as this node knows them. */
export interface DevicePool {
  resource: string
  /** In the order by which the scheduler numbers them. */
  ids: readonly string[]
  healthy: ReadonlySet<string>
}

/** What one container wants of one pool. */
export interface DeviceWish {
  resource: string
  count: number
  milliEach: number
}

/** How much of each device is taken, in thousandths. A pod's own init containers leave what they have to those after them. */
export function takenOf(
  pool: DevicePool,
  records: readonly DevicePromise[],
  mine: (record: DevicePromise) => boolean,
): Map<string, number> {
  const taken = new Map<string, number>()
  for (const record of records)
    if (record.resource === pool.resource && !mine(record))
      for (const id of record.ids) taken.set(id, (taken.get(id) ?? 0) + record.milliEach)
  return taken
}

/** The devices of a pool that have room for the wish. */
export function available(pool: DevicePool, wish: DeviceWish, taken: ReadonlyMap<string, number>): string[] {
  return pool.ids.filter(id => pool.healthy.has(id) && (taken.get(id) ?? 0) + wish.milliEach <= wholeDevice)
}

/** The tightest that fit, as the scheduler takes it for pods that it did not place. */
export function tightest(ids: readonly string[], count: number, taken: ReadonlyMap<string, number>): string[] {
  return [...ids].sort((a, b) => (taken.get(b) ?? 0) - (taken.get(a) ?? 0)).slice(0, count)
}

/** Those near to the wanted NUMA nodes first, then those near to others, then those of which nobody knows. */
export function nearFirst(
  ids: readonly string[],
  nodesOf: ReadonlyMap<string, readonly number[]>,
  wanted: NodeMask | undefined,
): string[] {
  const rank = (id: string) => {
    const nodes = nodesOf.get(id)
    return !nodes ? 2 : wanted !== undefined && maskOf(nodes) & wanted ? 0 : 1
  }
  return [...ids].sort((a, b) => rank(a) - rank(b))
}

/** What a container asks for, by resource: whole devices of plugins, or a share of one that this node shares. */
export function wishesOf(
  { resources }: Container,
  pools: ReadonlyMap<string, DevicePool>,
  shared: string | undefined,
): DeviceWish[] {
  const wishes: DeviceWish[] = []
  for (const [name, quantity] of Object.entries({ ...resources?.requests, ...resources?.limits })) {
    const amount = units(name, quantity)
    if (!amount) continue
    if (name === gpuMilliResource && shared)
      wishes.push(
        amount < wholeDevice
          ? { resource: shared, count: 1, milliEach: amount }
          : { resource: shared, count: Math.ceil(amount / wholeDevice), milliEach: wholeDevice },
      )
    else if (pools.has(name)) wishes.push({ resource: name, count: amount, milliEach: wholeDevice })
  }
  return wishes
}

/**
 * The devices that the scheduler chose for the pod, as this container gets them: shares all lie on the same one, whole
 * devices are handed out in the order of the containers. Undefined: it chose none.
 * @param earlier how many whole devices the containers before this one have
 */
export function chosenDevices(
  { metadata }: Pod,
  pool: DevicePool,
  wish: DeviceWish,
  earlier: number,
): string[] | undefined {
  const text = metadata.annotations?.[gpuDevicesAnnotation]
  if (!text || !/^\d+(,\d+)*$/.test(text)) return undefined
  const ids = text.split(',').map(number => pool.ids[Number(number)])
  const own = wish.milliEach < wholeDevice ? ids.slice(0, 1) : ids.slice(earlier, earlier + wish.count)
  if (own.length < wish.count || own.some(id => id === undefined)) return undefined
  return own as string[]
}
