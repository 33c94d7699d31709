import { encodeJson } from '../encode-json.ts'
import type { Field, ListType, MapType, ObjectType, Type } from '../schema/types.ts'
import { FieldSet } from './field-set.ts'

type Members = Record<string, unknown>

const isRecord = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A type whose parts have owners of their own; others have one owner as a whole. */
type Granular = { form: 'object'; type: ObjectType } | { form: 'map'; type: MapType } | { form: 'list'; type: ListType }

export function granularOf(type: Type | undefined): Granular | undefined {
  if (!type) return undefined
  if (type.form === 'object') return type.atomic || type.open ? undefined : { form: 'object', type }
  if (type.form === 'map') return type.atomic ? undefined : { form: 'map', type }
  if (type.form === 'list') return type.list === 'atomic' ? undefined : { form: 'list', type }
  return undefined
}

export function fieldOf(g: Granular, name: string): { type: Type | undefined; field: Field | undefined } {
  if (g.form === 'object') {
    const field = g.type.fields.get(name)
    return { type: field ? field.type : g.type.rest, field }
  }
  return { type: g.form === 'map' ? g.type.of : undefined, field: undefined }
}

/** True if the value is one whose parts have owners of their own. Of what no schema describes, only the value tells. */
export function isDivided(type: Type | undefined, value: unknown): boolean {
  const g = granularOf(type)
  if (value instanceof Doubled) return false
  return g !== undefined && (g.form === 'list' ? Array.isArray(value) : isRecord(value))
}

/** Elements of one name, as plain writes may leave them: whoever owns them owns them together, and none of their fields. */
export class Doubled {
  readonly items: unknown[]
  constructor(items: unknown[]) {
    this.items = items
  }
}

/** Elements of a keyed list or a set with the path element that names each; those of one name are Doubled. */
export function namedElements(type: ListType, list: readonly unknown[]): Map<string, unknown> {
  const out = new Map<string, unknown>()
  for (const item of list) {
    const name = namedElement(type, item)
    const known = out.get(name)
    if (known instanceof Doubled) known.items.push(item)
    else out.set(name, out.has(name) ? new Doubled([known, item]) : item)
  }
  return out
}

/** The path element that names an element of a keyed list or a set: `k:{"name":"web"}`, `v:"x"`. */
export function namedElement(type: ListType, item: unknown): string {
  if (type.list === 'set') return `v:${encodeJson(item)}`
  const [only] = type.keys
  // As most lists have it: one key, and a text.
  if (type.keys.length === 1 && isRecord(item) && typeof item[only!] === 'string')
    return `k:{${JSON.stringify(only)}:${JSON.stringify(item[only!])}}`
  const keys: [string, unknown][] = []
  for (const key of [...type.keys].sort()) {
    const value = isRecord(item) ? keyValue(type, item, key) : undefined
    if (value !== undefined) keys.push([key, value])
  }
  return `k:${encodeJson(Object.fromEntries(keys))}`
}

/** One of the values that name an element; where it says none, that of the schema, or what a field that is always written has then. */
export function keyValue(type: ListType, item: object, key: string): unknown {
  const said = (item as Members)[key]
  // A null that is said names it too: it is for validation to refuse.
  if (said !== undefined) return said
  const field = type.of.form === 'object' ? type.of.fields.get(key) : undefined
  const fallback = field?.default ?? field?.documentedDefault
  if (fallback !== undefined) return fallback
  if (field?.empty !== 'fill' || field.type.form !== 'scalar') return undefined
  return field.type.scalar === 'int32' || field.type.scalar === 'int64' ? 0 : ''
}

/** All fields that `value` has: of an object that is stored. */
export function fieldsOf(type: Type, value: unknown): FieldSet {
  const set = new FieldSet()
  collect(type, value, set, false)
  return set
}

/** All fields that `value` says something about, be it null: what somebody who applies it wants to own. */
export function fieldsSaid(type: Type, value: unknown): FieldSet {
  const set = new FieldSet()
  collect(type, value, set, true)
  return set
}

function collect(type: Type, value: unknown, into: FieldSet, nulls: boolean): void {
  const g = granularOf(type)
  if (g?.form === 'list' && Array.isArray(value)) {
    for (const [element, item] of namedElements(g.type, value)) {
      into.members.add(element)
      if (isDivided(g.type.of, item)) collect(g.type.of, item, into.below(element), nulls)
    }
  } else if (g && isRecord(value)) {
    for (const [name, child] of Object.entries(value)) {
      const { type: childType, field } = fieldOf(g, name)
      if (nulls ? child === undefined : isAbsent(child, field)) continue
      const element = `f:${name}`
      const divided = isDivided(childType, child)
      if (!divided || isEmpty(child) || !field) into.members.add(element)
      if (divided) collect(childType!, child, into.below(element), nulls)
    }
  }
  into.trimmed()
}

/** A time that is null is unset, and nobody's. */
const isAbsent = (value: unknown, field: Field | undefined): boolean =>
  value === undefined || (value === null && field?.empty === 'fill')

const isEmpty = (value: unknown): boolean => value === null || (isRecord(value) && Object.keys(value).length === 0)

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/**
 * The lists owned part by part of which `value` says that they are empty: nobody owns that, but it is a change to whoever
 * owns the list itself.
 */
export function emptyListsSaid(type: Type, value: unknown): FieldSet {
  const set = new FieldSet()
  collectEmptyLists(type, value, set)
  return set
}

function collectEmptyLists(type: Type, value: unknown, into: FieldSet): void {
  const g = granularOf(type)
  if (!g) return
  for (const [element, part] of partsOf(g, value)) {
    const partType = g.form === 'list' ? g.type.of : fieldOf(g, element.slice(2)).type
    if (!isDivided(partType, part)) continue
    if (isEmptyList(part)) into.members.add(element)
    else collectEmptyLists(partType!, part, into.below(element))
  }
  into.trimmed()
}

/** What a part that is always there is in an object that sets nothing. @param field which may be one that is null then */
export function isNothing(value: unknown, field?: Field): boolean {
  if (field?.nullable) return value === null
  if (typeof value !== 'object') return value === '' || value === 0 || value === false
  return Array.isArray(value) ? value.length === 0 : isEmpty(value)
}

export interface Comparison {
  /** Set to something new or something else. */
  changed: FieldSet
  removed: FieldSet
}

/** What differs between two states of one object. */
export function compareFields(type: Type, before: unknown, after: unknown): Comparison {
  const out = { changed: new FieldSet(), removed: new FieldSet() }
  diff(type, before, after, out, true)
  out.changed.trimmed()
  out.removed.trimmed()
  return out
}

/** @param present the value is there, if only empty, in an object that sets nothing */
function diff(type: Type, left: unknown, right: unknown, { changed, removed }: Comparison, present: boolean): void {
  if (left === right) return
  const g = granularOf(type)
  if (!g) return
  const [old, now] = [partsOf(g, left), partsOf(g, right)]
  for (const [element, value] of now) {
    const childType = g.form === 'list' ? g.type.of : fieldOf(g, element.slice(2)).type
    const before = old.get(element)
    // What is doubled, or is so no longer, is new: the fields of the one element go, or come.
    const replaced = old.has(element) && before instanceof Doubled !== value instanceof Doubled
    if (replaced) markRemoved(childType, element, before, removed)
    const known = old.has(element) && !replaced
    const was = replaced ? undefined : before
    if (known && same(was, value)) continue
    // A part that was not there at all is owned itself, unless it is one that is always there, if only empty.
    const field = g.form === 'object' ? g.type.fields.get(element.slice(2)) : undefined
    const alwaysThere = known || (present && field?.empty === 'fill')
    // What was null was there: what comes into it is owned, it itself is not.
    const isFilled = was === null && !isNothing(value)
    const isWhole = field?.nullable ? isEmptyList(value) : known && !isFilled && !isDivided(childType, was)
    if (!isDivided(childType, value) || isWhole) {
      if (known || !alwaysThere || !isNothing(value, field)) changed.members.add(element)
      continue
    }
    if (!alwaysThere) changed.members.add(element)
    const below = { changed: changed.below(element), removed: removed.below(element) }
    diff(childType!, was, value, below, alwaysThere)
  }
  for (const [element, value] of old) {
    if (now.has(element)) continue
    markRemoved(g.form === 'list' ? g.type.of : fieldOf(g, element.slice(2)).type, element, value, removed)
  }
}

function markRemoved(type: Type | undefined, element: string, value: unknown, removed: FieldSet): void {
  removed.members.add(element)
  // Also times that are null: whoever wrote them is their owner.
  if (isDivided(type, value)) collect(type!, value, removed.below(element), true)
}

/** The direct parts of a value by path element. */
export function partsOf(g: Granular, value: unknown): Map<string, unknown> {
  if (g.form === 'list') return Array.isArray(value) ? namedElements(g.type, value) : new Map()
  const parts = new Map<string, unknown>()
  if (isRecord(value))
    for (const name of Object.keys(value)) if (value[name] !== undefined) parts.set(`f:${name}`, value[name])
  return parts
}

export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => same(x, b[i]))
  if (!isRecord(a) || !isRecord(b)) return false
  const [x, y] = [Object.keys(a), Object.keys(b)]
  return x.length === y.length && x.every(k => Object.hasOwn(b, k) && same(a[k], b[k]))
}

/** `live` with everything that `applied` says: granular parts merge, others are replaced. Neither is changed. */
export function mergeApplied(type: Type | undefined, live: unknown, applied: unknown): unknown {
  const g = granularOf(type)
  if (!g) return applied
  // Null says nothing about parts that others have put there.
  if (applied === null && live !== undefined) return live
  if (g.form === 'list') {
    if (!Array.isArray(applied)) return applied
    return mergeLists(g.type, Array.isArray(live) ? live : [], applied)
  }
  if (!isRecord(applied)) return applied
  const out = new Map(isRecord(live) ? Object.entries(live) : [])
  for (const [name, value] of Object.entries(applied))
    if (value !== undefined) out.set(name, mergeApplied(fieldOf(g, name).type, out.get(name), value))
  return Object.fromEntries(out)
}

/**
 * Both orders are kept where they agree; where they do not, the applied one wins. Elements that are doubled stay so, but
 * where one of their name is applied, which takes the place of all of them.
 */
function mergeLists(type: ListType, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const mine = namedElements(type, live)
  const theirs = namedElements(type, applied)
  const out: unknown[] = []
  const left = live.map((item): [string, unknown] => [namedElement(type, item), item])
  let at = 0
  const placed = new Set<string>()
  for (const [element, item] of theirs) {
    // What is only in the live list keeps its place before the next common element.
    while (at < left.length && !theirs.has(left[at]![0])) out.push(left[at++]![1])
    placed.add(element)
    const own = mine.get(element)
    out.push(mine.has(element) && !(own instanceof Doubled) ? mergeApplied(type.of, own, item) : item)
    while (at < left.length && placed.has(left[at]![0])) at++
  }
  for (const [element, item] of left.slice(at)) if (!theirs.has(element)) out.push(item)
  return out
}

/**
 * `value` without the fields of `gone`. An element of a list goes when it is named itself. Not changed in place.
 * @param owned what somebody owns of what remains: a part that is emptied becomes null where it is owned itself, as in Kubernetes
 */
export function removeFields(type: Type | undefined, value: unknown, gone: FieldSet, owned?: FieldSet): unknown {
  const g = granularOf(type)
  if (!g || gone.isEmpty) return value
  if (g.form === 'list') {
    if (!Array.isArray(value)) return value
    return value.flatMap(item => {
      const element = namedElement(g.type, item)
      if (gone.members.has(element)) return []
      const below = gone.children.get(element)
      return [below ? removeFields(g.type.of, item, below, owned?.children.get(element)) : item]
    })
  }
  if (!isRecord(value)) return value
  const out: [string, unknown][] = []
  for (const [name, child] of Object.entries(value)) {
    const element = `f:${name}`
    if (gone.members.has(element)) continue
    const below = gone.children.get(element)
    const rest = below ? removeFields(fieldOf(g, name).type, child, below, owned?.children.get(element)) : child
    // A map or list that lost its last part was only there for it.
    const emptied =
      below &&
      rest !== child &&
      ((Array.isArray(rest) && !rest.length) || (isRecord(rest) && !Object.keys(rest).length))
    if (!emptied) out.push([name, rest])
    else if (owned?.members.has(element)) out.push([name, null])
  }
  return Object.fromEntries(out)
}
