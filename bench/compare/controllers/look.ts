import { type Difference, differencesOf } from '../differences.ts'
import type { Json } from '../side.ts'
import { masked } from '../told.ts'
import { placeOf } from './places.ts'
import type { Scene } from './scene.ts'

/** The objects of a story, by kind, without what differs between any two clusters. */
export type Look = Map<string, Json[]>

/** @returns also the versions of all of them: while these change, the cluster is at work */
export async function lookAt(scene: Scene, kinds: readonly string[]): Promise<{ look: Look; versions: string }> {
  const look: Look = new Map()
  const versions: string[] = []
  for (const plural of kinds) {
    const place = placeOf(plural)
    const query = place.namespaced ? '' : `?labelSelector=story%3D${scene.namespace}`
    const { items } = await scene.side.json('GET', `${scene.path(place)}${query}`)
    versions.push(...items.map(({ metadata }: Json) => `${metadata.name} ${metadata.resourceVersion}`))
    if (plural === 'events') look.set('Event', eventsOf(items, scene))
    else
      look.set(
        place.kind,
        items.map((item: Json) => plain(item, scene)),
      )
  }
  return { look, versions: versions.join() }
}

/** What pods and other numbered objects are called at the end, in Kubernetes' own alphabet. */
const madeUp = /-[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])/g
const address = /\b10\.244\.2\d\d\.\d+\b/g

function plain(item: Json, { side }: Scene): Json {
  const copy = renamed(masked(item, side))
  delete copy.apiVersion
  delete copy.kind
  // Of each manager only that it wrote something: which fields of an object it sends is its own affair.
  copy.metadata.managedFields = [
    ...new Set(
      copy.metadata.managedFields?.map(
        (entry: Json) => `${entry.manager} ${entry.operation} ${entry.subresource ?? ''}`,
      ),
    ),
  ].sort()
  return copy
}

/** Lists whose order means nothing, by the field that orders them here. */
const unordered: Record<string, (item: Json) => string> = {
  conditions: item => item.type,
  endpoints: item => JSON.stringify(item),
  addresses: item => JSON.stringify(item),
  notReadyAddresses: item => JSON.stringify(item),
  ownerReferences: item => item.name,
}

function renamed(value: Json, key = ''): Json {
  if (typeof value === 'string') return value.replace(madeUp, '-*').replace(address, '<pod>')
  if (Array.isArray(value)) {
    const items = value.map(item => renamed(item))
    const by = unordered[key]
    return by ? items.sort((a, b) => (by(a) < by(b) ? -1 : 1)) : items
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, renamed(inner, name)]))
}

/** Those that say the same are one. */
function eventsOf(items: Json[], { side }: Scene): Json[] {
  const told = items.map(event => {
    const { involvedObject: object, type, reason, message, action, source, reportingComponent } = event
    const about = `${object.kind} ${object.name}${object.fieldPath ? ` ${object.fieldPath}` : ''}`
    return renamed(
      masked({ about, apiVersion: object.apiVersion, type, reason, message, action, source, reportingComponent }, side),
    )
  })
  return [...new Map(told.map(event => [JSON.stringify(event), event])).values()]
}

/** Objects that are equal are one pair; what is left, in the order of their names. */
export function compareLooks(ours: Look, theirs: Look): Difference[] {
  const found: Difference[] = []
  for (const [kind, theirItems] of theirs) {
    const theirRest = new Map<string, Json[]>()
    for (const item of theirItems) push(theirRest, canonical(item), item)
    const ourRest = ours.get(kind)!.filter(item => !theirRest.get(canonical(item))?.pop())
    const left = [...theirRest.values()].flat()
    const byName = new Map<string, Json[]>()
    for (const item of left) push(byName, nameOf(item), item)
    for (const item of ourRest) {
      const pair = byName.get(nameOf(item))?.shift()
      if (!pair)
        found.push({
          cause: `${kind}${reasonOf(item)}: not in Kubernetes`,
          ours: JSON.stringify(item).slice(0, 600),
          theirs: '',
        })
      else
        for (const difference of differencesOf(answer(item), answer(pair)))
          found.push({ ...difference, cause: `${kind}${reasonOf(item)}: ${difference.cause}` })
    }
    for (const item of [...byName.values()].flat())
      found.push({
        cause: `${kind}${reasonOf(item)}: only in Kubernetes`,
        ours: '',
        theirs: JSON.stringify(item).slice(0, 600),
      })
  }
  return found
}

const answer = (body: Json) => ({ status: 200, headers: {}, body })
const nameOf = (item: Json): string => item.metadata?.name ?? `${item.about} ${item.reason}`
const reasonOf = ({ reason }: Json) => (reason ? ` ${reason}` : '')
const canonical = (value: Json): string =>
  JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

function push(map: Map<string, Json[]>, key: string, item: Json): void {
  const items = map.get(key)
  if (items) items.push(item)
  else map.set(key, [item])
}
