import { nodeSelectorTest } from '../../models/node-selector.ts'
import type { Device, ResourceSlice } from '../../models/types/resource-v1beta1.ts'
import type { ObjectTable } from '../object-table.ts'
import type { NodeView } from '../snapshot.ts'
import { deviceId } from './device-uses.ts'

/** A device with where it is found. */
export interface PooledDevice {
  id: string
  driver: string
  pool: string
  device: Device
  slice: ResourceSlice
}

/** Devices that several nodes may reach. */
interface Shared {
  reaches(node: NodeView): boolean
  devices: readonly PooledDevice[]
}

const nothing: readonly PooledDevice[] = []
const known = new WeakMap<ObjectTable<ResourceSlice>, { version: number; pools: DevicePools }>()

/** The devices of all pools that are told whole, by who reaches them. Worked out once for each change of the slices. */
export class DevicePools {
  readonly #own = new Map<string, PooledDevice[]>()
  readonly #shared: Shared[] = []

  static of(slices: ObjectTable<ResourceSlice>): DevicePools {
    const before = known.get(slices)
    if (before?.version === slices.version) return before.pools
    const pools = new DevicePools(slices.values())
    known.set(slices, { version: slices.version, pools })
    return pools
  }

  constructor(slices: Iterable<ResourceSlice>) {
    for (const slice of wholePools(slices).flat()) this.#add(slice)
  }

  /** The devices that the node reaches, its own first, in an order that stays. */
  devicesFor(node: NodeView): readonly PooledDevice[] {
    const own = this.#own.get(node.name) ?? nothing
    if (!this.#shared.length) return own
    return [...own, ...this.#shared.filter(s => s.reaches(node)).flatMap(s => s.devices)]
  }

  #add(slice: ResourceSlice): void {
    const { nodeName, nodeSelector, allNodes } = slice.spec
    const devices = devicesOf(slice)
    if (nodeName) {
      const own = this.#own.get(nodeName)
      if (own) own.push(...devices)
      else this.#own.set(nodeName, devices)
    } else if (allNodes) this.#shared.push({ reaches: () => true, devices })
    else if (nodeSelector) {
      const test = nodeSelectorTest(nodeSelector)
      this.#shared.push({ reaches: ({ node }) => test(node), devices })
    }
  }
}

function devicesOf(slice: ResourceSlice): PooledDevice[] {
  const { driver, pool, devices = [] } = slice.spec
  return devices.map(device => {
    const id = deviceId({ driver, pool: pool.name, device: device.name })
    return { id, driver, pool: pool.name, device, slice }
  })
}

/** Pools as their drivers tell them last; those that are not told whole are left out. */
function wholePools(slices: Iterable<ResourceSlice>): ResourceSlice[][] {
  const pools = new Map<string, ResourceSlice[]>()
  for (const slice of slices) {
    const { driver, pool } = slice.spec
    const key = `${driver}/${pool.name}`
    const before = pools.get(key)
    const newest = before?.[0]?.spec.pool.generation ?? -1
    if (pool.generation > newest) pools.set(key, [slice])
    else if (pool.generation === newest) before!.push(slice)
  }
  return [...pools.values()].filter(pool => pool.length >= pool[0]!.spec.pool.resourceSliceCount)
}
