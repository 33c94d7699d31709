import { nodeSelectorTest } from '../../models/node-selector.ts'
import type { Node } from '../../models/types/core-v1.ts'
import type { Device, ResourceSlice } from '../../models/types/resource-v1beta1.ts'
import type { ObjectTable } from '../object-table.ts'
import type { NodeView } from '../snapshot.ts'
import { deviceId, poolId } from './device-uses.ts'

/** A device with where it is found. */
export interface PooledDevice {
  id: string
  driver: string
  pool: string
  device: Device
  slice: ResourceSlice
}

/** A pool as one node sees it. */
export interface ReachedPool {
  /** `driver/name` */
  id: string
  name: string
  /** Of its latest generation, the slices that the node reaches. */
  slices: readonly ResourceSlice[]
  /** Slices of it are missing. */
  incomplete: boolean
  /** Why it cannot be trusted, if it cannot. */
  invalid: string | undefined
}

/** What one node reaches. */
export interface Reach {
  /** In an order that stays, the node's own first. */
  devices: readonly PooledDevice[]
  pools: readonly ReachedPool[]
}

/** A slice that several nodes may reach. */
interface Shared {
  reaches(node: Node): boolean
  slice: ResourceSlice
}

const none: readonly ResourceSlice[] = []
const known = new WeakMap<ObjectTable<ResourceSlice>, { version: number; pools: DevicePools }>()
const devicesOfSlice = new WeakMap<ResourceSlice, readonly PooledDevice[]>()

/** The devices of all pools by who reaches them, worked out once for each change of the slices. */
export class DevicePools {
  readonly #own = new Map<string, ResourceSlice[]>()
  readonly #shared: Shared[] = []
  /** By row, of whom: every node is asked for every pod, and rows stay with their nodes. */
  readonly #ownReach: ({ name: string; reach: Reach } | undefined)[] = []
  readonly #reach = new WeakMap<Node, Reach>()

  static of(slices: ObjectTable<ResourceSlice>): DevicePools {
    const before = known.get(slices)
    if (before?.version === slices.version) return before.pools
    const pools = new DevicePools(slices.values())
    known.set(slices, { version: slices.version, pools })
    return pools
  }

  constructor(slices: Iterable<ResourceSlice>) {
    for (const slice of slices) this.#add(slice)
  }

  reachOf({ index, name, node }: Pick<NodeView, 'index' | 'name' | 'node'>): Reach {
    if (!this.#shared.length) {
      let own = this.#ownReach[index]
      if (own?.name !== name) this.#ownReach[index] = own = { name, reach: reachOf(this.#own.get(name) ?? none) }
      return own.reach
    }
    let reach = this.#reach.get(node)
    if (!reach) {
      const shared = this.#shared.filter(s => s.reaches(node)).map(s => s.slice)
      this.#reach.set(node, (reach = reachOf([...(this.#own.get(name) ?? none), ...shared])))
    }
    return reach
  }

  /** A slice that names no nodes in a way that is known is somebody else's to understand. */
  #add(slice: ResourceSlice): void {
    const { nodeName, nodeSelector, allNodes } = slice.spec
    if (nodeName) {
      const own = this.#own.get(nodeName)
      if (own) own.push(slice)
      else this.#own.set(nodeName, [slice])
    } else if (allNodes) this.#shared.push({ reaches: () => true, slice })
    else if (nodeSelector) this.#shared.push({ reaches: nodeSelectorTest(nodeSelector), slice })
  }
}

function reachOf(slices: readonly ResourceSlice[]): Reach {
  const pools = poolsOf(slices)
  return { pools, devices: pools.flatMap(pool => pool.slices.flatMap(devicesOf)) }
}

/** Those of a kind that we do not know cannot be chosen. */
function devicesOf(slice: ResourceSlice): readonly PooledDevice[] {
  let devices = devicesOfSlice.get(slice)
  if (!devices) {
    const { driver, pool } = slice.spec
    devices = (slice.spec.devices ?? [])
      .filter(device => device.basic)
      .map(device => ({
        id: deviceId({ driver, pool: pool.name, device: device.name }),
        driver,
        pool: pool.name,
        device,
        slice,
      }))
    devicesOfSlice.set(slice, devices)
  }
  return devices
}

/** Pools as their drivers tell them last: a newer generation makes all older slices void. */
function poolsOf(slices: readonly ResourceSlice[]): ReachedPool[] {
  const pools = new Map<string, ResourceSlice[]>()
  for (const slice of slices) {
    const id = poolId({ driver: slice.spec.driver, pool: slice.spec.pool.name })
    const before = pools.get(id)
    const newest = before?.[0]?.spec.pool.generation ?? -1
    if (slice.spec.pool.generation > newest) pools.set(id, [slice])
    else if (slice.spec.pool.generation === newest) before!.push(slice)
  }
  return [...pools].map(([id, told]) => ({
    id,
    name: told[0]!.spec.pool.name,
    slices: told,
    incomplete: told.length !== told[0]!.spec.pool.resourceSliceCount,
    invalid: whyInvalid(told),
  }))
}

function whyInvalid(slices: readonly ResourceSlice[]): string | undefined {
  const names = new Set<string>()
  for (const { spec } of slices)
    for (const { name } of spec.devices ?? []) {
      if (names.has(name)) return `duplicate device name ${name}`
      names.add(name)
    }
  return undefined
}
