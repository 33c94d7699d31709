import type { NftFamily } from '../base/nft-table.ts'
import type { EndpointSlice, Node } from '../models/kinds/index.ts'
import type { ServicePort } from '../models/types/core-v1.ts'
import { answeringEndpoints, type UsableEndpoint, usable } from '../models/usable-endpoints.ts'

/** From where a Service is called. */
export interface Viewpoint {
  /** `ip` unless said otherwise. */
  family?: NftFamily
  nodeName: string
  /** Of the node; endpoints that are meant for zones are chosen by it. */
  zone?: string | undefined
}

/** Who gets the connections to one port of a Service that are made on one node. */
export interface Endpoints {
  /** Of the whole cluster, as this node is to use them. */
  cluster: UsableEndpoint[]
  /** Of this node. Ending ones count where no ready one is, even if other nodes have some. */
  local: UsableEndpoint[]
}

/** The zone that a node is in, if it says so. */
export const zoneOf = (node: Node | undefined): string | undefined =>
  node?.metadata.labels?.['topology.kubernetes.io/zone']

export const isOf = (family: NftFamily, address: string): boolean => address.includes(':') === (family === 'ip6')

/** In order of address. Pure. */
export function chooseEndpoints(from: Viewpoint, slices: readonly EndpointSlice[], port: ServicePort): Endpoints {
  const all = answeringEndpoints(slices, port.name ?? '', port.protocol ?? 'TCP')
    .filter(e => isOf(from.family ?? 'ip', e.ip))
    .sort((a, b) => (`${a.ip}:${a.port}` < `${b.ip}:${b.port}` ? -1 : 1))
  return { cluster: forZone(usable(all), from.zone), local: usable(all.filter(e => e.node === from.nodeName)) }
}

/** Hints count if every endpoint has one and some are meant for this zone: as kube-proxy holds it. */
function forZone(endpoints: UsableEndpoint[], zone: string | undefined): UsableEndpoint[] {
  if (!zone || !endpoints.every(e => e.zones?.length)) return endpoints
  const mine = endpoints.filter(e => e.zones?.includes(zone))
  return mine.length ? mine : endpoints
}
