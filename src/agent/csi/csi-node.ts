import type { CSINode } from '../../models/types/storage-v1.ts'
import type { NodeInfo } from '../../plugins/index.ts'

type Drivers = NonNullable<CSINode['spec']['drivers']>

/** The drivers of a CSINode with this one as it is now. */
export function withDriver(drivers: Drivers, name: string, info: NodeInfo): Drivers {
  const keys = Object.keys(info.accessible_topology?.segments ?? {}).sort()
  return [
    ...drivers.filter(d => d.name !== name),
    {
      name,
      nodeID: info.node_id,
      topologyKeys: keys,
      ...(info.max_volumes_per_node > 0 ? { allocatable: { count: info.max_volumes_per_node } } : {}),
    },
  ]
}

export const withoutDriver = (drivers: Drivers, name: string): Drivers => drivers.filter(d => d.name !== name)
