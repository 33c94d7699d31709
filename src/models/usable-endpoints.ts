import { plainAddress } from '../base/ip.ts'
import type { EndpointSlice } from './kinds/index.ts'
import type { Endpoint } from './types/discovery-v1.ts'

/** Label of an EndpointSlice: name of the Service that it is of. */
export const serviceNameLabel = 'kubernetes.io/service-name'

/** An address of a Service's port. */
export interface UsableEndpoint {
  ip: string
  port: number
  node: string | undefined
  /** Zones that it is meant for; undefined: nobody said. */
  zones: string[] | undefined
  /** It ends, but still answers. */
  ending: boolean
}

/** All endpoints of the port with this name that answer, ready or ending, each address once. */
export function answeringEndpoints(
  slices: readonly EndpointSlice[],
  portName: string,
  protocol = 'TCP',
): UsableEndpoint[] {
  const found = new Map<string, UsableEndpoint>()
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue
    const port = slice.ports?.find(p => (p.name ?? '') === portName && (p.protocol ?? 'TCP') === protocol)?.port
    if (!port) continue
    for (const endpoint of slice.endpoints ?? []) {
      const state = stateOf(endpoint)
      if (!state) continue
      const zones = endpoint.hints?.forZones?.map(z => z.name)
      for (const address of endpoint.addresses) {
        const ip = plainAddress(address)
        const known = found.get(`${ip}:${port}`)
        if (known && !known.ending) continue
        found.set(`${ip}:${port}`, { ip, port, node: endpoint.nodeName, zones, ending: state === 'ending' })
      }
    }
  }
  return [...found.values()]
}

/** The ready ones; if there is none, those that still answer while they end. */
export function usable(endpoints: readonly UsableEndpoint[]): UsableEndpoint[] {
  const ready = endpoints.filter(e => !e.ending)
  return ready.length ? ready : [...endpoints]
}

function stateOf({ conditions = {} }: Endpoint): 'ready' | 'ending' | undefined {
  if (conditions.ready !== false) return 'ready'
  return conditions.serving && conditions.terminating ? 'ending' : undefined
}
