import type { World } from '../client/reconciler.ts'
import { Node, type Service } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import type { Endpoint, EndpointSlice } from '../models/types/discovery-v1.ts'
import { type Desired, endpointKey } from './slice-plan.ts'
import { slicesOf } from './slice-writer.ts'
import { cpuShares, wantsZoneHints, zoneHints } from './zone-hints.ts'

/** With the zones that endpoints are meant for, where the Service asks for that; and events that say whether it works. */
export function hintedSlices(world: World, service: Service, desired: Desired[], manager: string): Desired[] {
  if (!wantsZoneHints(service)) return desired
  const existing = slicesOf(world, keyOf(service), manager)
  const shares = cpuShares(world.cache.list(Node))
  return [...new Set(desired.map(d => d.addressType))].flatMap(family => {
    const mine = desired.filter(d => d.addressType === family)
    const before = hintsIn(existing.filter(s => s.addressType === family))
    const ready = mine.flatMap(d => d.endpoints.filter(e => e.conditions?.ready))
    const found = zoneHints(
      ready.map(e => ({ zone: e.zone, hint: before.get(endpointKey(e)) })),
      shares,
    )
    if ('problem' in found) {
      world.events.warning(service, 'TopologyAwareHintsDisabled', `${found.problem}, addressType: ${family}`)
      return mine
    }
    if (!before.size) {
      const text = `Topology Aware Hints has been enabled, addressType: ${family}`
      world.events.normal(service, 'TopologyAwareHintsEnabled', text)
    }
    const zones = new Map<Endpoint, string>(ready.map((e, i) => [e, found.zones[i]!]))
    return mine.map(d => ({ ...d, endpoints: d.endpoints.map(e => meantFor(e, zones.get(e))) }))
  })
}

const meantFor = (endpoint: Endpoint, zone: string | undefined): Endpoint =>
  zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } }

function hintsIn(slices: readonly EndpointSlice[]): Map<string, string> {
  const hints = new Map<string, string>()
  for (const endpoint of slices.flatMap(s => s.endpoints ?? [])) {
    const zone = endpoint.hints?.forZones?.[0]?.name
    if (zone !== undefined) hints.set(endpointKey(endpoint), zone)
  }
  return hints
}
