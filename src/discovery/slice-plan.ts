import { canonicalJson, sameMeaning } from '../base/equality.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../models/types/discovery-v1.ts'

/** So many endpoints fill a slice. */
export const maxEndpointsPerSlice = 100

/** What slices of one Service (or of one custom Endpoints) should say, before it is cut into slices. */
export interface Desired {
  addressType: EndpointSlice['addressType']
  ports: EndpointPort[]
  endpoints: Endpoint[]
}

/** A slice with content; `existing` when one is rewritten. */
export interface PlannedSlice {
  existing?: EndpointSlice
  addressType: EndpointSlice['addressType']
  ports: EndpointPort[]
  endpoints: Endpoint[]
}

export interface SlicePlan {
  create: PlannedSlice[]
  update: PlannedSlice[]
  remove: EndpointSlice[]
}

/** The same ports and family, whatever the order of ports. */
function groupKey(addressType: string, ports: readonly EndpointPort[] | null | undefined): string {
  return `${addressType} ${(ports ?? []).map(canonicalJson).sort().join()}`
}

export const endpointKey = (e: Endpoint) => `${e.addresses.join()} ${e.targetRef?.uid ?? ''} ${e.hostname ?? ''}`

/**
 * Fewest writes that make the slices say what is desired: slices that need not change are left as they are, even when they are not
 * full.
 * @param metadataFits whether a slice's labels, annotations and owner are right
 */
export function planSlices(
  existing: readonly EndpointSlice[],
  desired: readonly Desired[],
  metadataFits: (slice: EndpointSlice) => boolean,
  limit = maxEndpointsPerSlice,
): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] }
  const groups = new Map<string, { wanted: Desired | undefined; slices: EndpointSlice[] }>()
  for (const wanted of desired) {
    const key = groupKey(wanted.addressType, wanted.ports)
    const twin = groups.get(key)?.wanted
    groups.set(key, { wanted: twin ? merged(twin, wanted) : wanted, slices: [] })
  }
  for (const slice of existing) {
    const key = groupKey(slice.addressType, slice.ports)
    const group = groups.get(key)
    if (group) group.slices.push(slice)
    else groups.set(key, { wanted: undefined, slices: [slice] })
  }
  for (const { wanted, slices } of groups.values())
    if (wanted) planGroup(plan, wanted, slices, metadataFits, limit)
    else plan.remove.push(...slices)
  return reused(plan)
}

/** A slice that would go becomes one that would come: one write instead of two, and no moment with both or neither. */
function reused({ create, update, remove }: SlicePlan): SlicePlan {
  const spare = [...remove]
  const plan: SlicePlan = { create: [], update: [...update], remove: spare }
  for (const planned of create) {
    const at = spare.findIndex(slice => slice.addressType === planned.addressType)
    if (at < 0) plan.create.push(planned)
    else plan.update.push({ ...planned, existing: spare.splice(at, 1)[0]! })
  }
  return plan
}

const merged = (a: Desired, b: Desired): Desired => ({ ...a, endpoints: [...a.endpoints, ...b.endpoints] })

function planGroup(
  plan: SlicePlan,
  wanted: Desired,
  slices: readonly EndpointSlice[],
  metadataFits: (slice: EndpointSlice) => boolean,
  limit: number,
): void {
  const missing = new Map(wanted.endpoints.map(e => [endpointKey(e), e]))
  const drafts = slices.map(slice => {
    const endpoints: Endpoint[] = []
    let changed = !metadataFits(slice)
    for (const old of slice.endpoints ?? []) {
      const key = endpointKey(old)
      const now = missing.get(key)
      missing.delete(key)
      if (now) endpoints.push(now)
      if (!now || !sameMeaning(old, now)) changed = true
    }
    return { slice, endpoints, changed }
  })
  // Those that change anyway take new endpoints first, the fullest before others.
  const rest = [...missing.values()]
  for (const draft of [...drafts].sort((a, b) => b.endpoints.length - a.endpoints.length))
    if (draft.changed && draft.endpoints.length)
      draft.endpoints.push(...rest.splice(0, Math.max(limit - draft.endpoints.length, 0)))
  while (rest.length) {
    if (rest.length < limit) {
      const room = bestFit(drafts, rest.length, limit)
      if (room) {
        room.endpoints.push(...rest.splice(0))
        room.changed = true
        break
      }
    }
    plan.create.push({ addressType: wanted.addressType, ports: wanted.ports, endpoints: rest.splice(0, limit) })
  }
  const emptyWanted = !wanted.endpoints.length
  drafts.forEach(({ slice, endpoints, changed }, i) => {
    if (!endpoints.length && (!emptyWanted || i > 0)) plan.remove.push(slice)
    else if (changed)
      plan.update.push({ existing: slice, addressType: wanted.addressType, ports: wanted.ports, endpoints })
  })
  // An empty slice says that there is nothing, which is more than no slice at all.
  if (emptyWanted && !drafts.length)
    plan.create.push({ addressType: wanted.addressType, ports: wanted.ports, endpoints: [] })
}

/** The fullest slice with room for all of them. */
function bestFit<D extends { endpoints: Endpoint[] }>(
  drafts: readonly D[],
  count: number,
  limit: number,
): D | undefined {
  return drafts
    .filter(d => d.endpoints.length && limit - d.endpoints.length >= count)
    .sort((a, b) => b.endpoints.length - a.endpoints.length)[0]
}
