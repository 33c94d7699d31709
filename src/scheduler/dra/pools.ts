import { nodeSelectorTest } from '../../models/node-selector.ts'
import type { Device, DeviceRequestAllocationResult, ResourceSlice } from '../../models/types/resource-v1beta1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import type { NodeView } from '../snapshot.ts'

/** A device with where it is found. */
export interface PooledDevice {
  id: string
  driver: string
  pool: string
  device: Device
  slice: ResourceSlice
}

export const deviceId = ({ driver, pool, device }: Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device'>) =>
  `${driver}/${pool}/${device}`

/** Pools as their drivers tell them last, by driver and name; those that are not told whole are left out. */
export function wholePools(slices: Iterable<ResourceSlice>): ResourceSlice[][] {
  const pools = new Map<string, ResourceSlice[]>()
  for (const slice of slices) {
    const { driver, pool } = slice.spec
    const key = `${driver}/${pool.name}`
    const known = pools.get(key)
    const newest = known?.[0]?.spec.pool.generation ?? -1
    if (pool.generation > newest) pools.set(key, [slice])
    else if (pool.generation === newest) known!.push(slice)
  }
  return [...pools.values()].filter(pool => pool.length >= pool[0]!.spec.pool.resourceSliceCount)
}

/** The devices that the node reaches, in an order that stays. */
export function devicesFor(pools: readonly (readonly ResourceSlice[])[], { name, node }: NodeView): PooledDevice[] {
  const reached = ({ spec }: ResourceSlice) =>
    spec.nodeName
      ? spec.nodeName === name
      : spec.allNodes || (spec.nodeSelector && nodeSelectorTest(spec.nodeSelector)(node))
  const out: PooledDevice[] = []
  for (const pool of pools)
    for (const slice of pool) {
      if (!reached(slice)) continue
      const { driver, pool: of } = slice.spec
      for (const device of slice.spec.devices ?? []) {
        const id = deviceId({ driver, pool: of.name, device: device.name })
        out.push({ id, driver, pool: of.name, device, slice })
      }
    }
  return out
}

/** Devices that claims have, or are about to get. Whoever only administers a device does not have it. */
export function devicesInUse({ resourceClaims, promisedDevices }: ClusterObjects): Set<string> {
  const used = new Set<string>()
  const add = (results: readonly DeviceRequestAllocationResult[] | undefined) => {
    for (const result of results ?? []) if (!result.adminAccess) used.add(deviceId(result))
  }
  for (const { status } of resourceClaims.values()) add(status?.allocation?.devices?.results)
  for (const { devices } of promisedDevices.values()) add(devices?.results)
  return used
}
