import { OptiFlowError } from '../../base/errors.ts'
import { put } from '../own-property.ts'
import type { ObjectType, Type } from '../schema/types.ts'
import { goKind, goPrinted } from './go-print.ts'
import { isRecord } from './merge.ts'

/** A patch whose directives or lists make no sense; the message is Kubernetes' own. */
export class StrategicPatchFailed extends OptiFlowError {
  /** Kubernetes tells apart a directive of the wrong form, content that it never takes, and everything else, of which it says 500. */
  readonly fault: 'form' | 'content' | 'other'

  constructor(message: string, fault: 'form' | 'content' | 'other' = 'other') {
    super(message)
    this.fault = fault
  }
}

type Json = unknown
type Members = Record<string, Json>

const directive = '$patch'
const retainKeys = '$retainKeys'
const deletePrefix = '$deleteFromPrimitiveList/'
const orderPrefix = '$setElementOrder/'

/** How the lists and objects under one key merge. */
interface Rules {
  /** The type of the object, or of the elements of the list; undefined where nothing is known. */
  type: ObjectType | undefined
  merge: boolean
  replace: boolean
  mergeKey: string | undefined
}

const noRules: Rules = { type: undefined, merge: false, replace: false, mergeKey: undefined }

/**
 * Kubernetes' strategic merge patch: like a merge patch, but lists that have a merge key (containers by name) or are sets
 * (finalizers) merge element by element, steered by the directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/x` and
 * `$setElementOrder/x`. Neither input is changed; the result shares parts with both.
 * @throws StrategicPatchFailed
 */
export function applyStrategicPatch(type: ObjectType, original: Members, patch: Members): Members {
  return mergeObject(original, patch, type)
}

function mergeObject(original: Members, patch: Members, type: ObjectType | undefined): Members {
  if (Object.hasOwn(patch, directive)) {
    const { [directive]: what, ...rest } = patch
    if (what === 'replace') return rest
    if (what === 'delete') return {}
    throw unknownDirective(what, patch)
  }
  const out = retain(original, patch)
  const ordered = new Set<string>()
  for (const key of Object.keys(patch))
    if (key.startsWith(orderPrefix))
      ordered.add(mergeOrdered(out, patch, key, rulesOf(type, key.slice(orderPrefix.length))))
  for (const key of Object.keys(patch)) {
    if (key === directive || key === retainKeys || key.startsWith(orderPrefix) || ordered.has(key)) continue
    if (key.startsWith(deletePrefix)) deleteScalars(out, key.slice(deletePrefix.length), patch[key])
    else mergeField(out, key, patch[key], type)
  }
  return out
}

/** Go marks what is no text where it prints a text. */
function unknownDirective(what: Json, map: Members): StrategicPatchFailed {
  const printed = typeof what === 'string' ? what : `%!s(${goKind(what)}=${goPrinted(what)})`
  return new StrategicPatchFailed(`unknown patch type: ${printed} in map: ${goPrinted(map)}`)
}

/** A copy of the original with only the keys that `$retainKeys` names, if the patch has it. */
function retain(original: Members, patch: Members): Members {
  if (!Object.hasOwn(patch, retainKeys)) return { ...original }
  const list = patch[retainKeys]
  if (!Array.isArray(list)) throw new StrategicPatchFailed('invalid patch format of retainKeys', 'form')
  const kept = new Set<Json>(list)
  for (const key of Object.keys(patch)) {
    if (key === retainKeys || patch[key] === null || key.startsWith(deletePrefix) || key.startsWith(orderPrefix))
      continue
    if (!kept.has(key)) throw new StrategicPatchFailed('invalid patch format of retainKeys', 'form')
  }
  const out: Members = {}
  for (const key of Object.keys(original)) if (kept.has(key)) put(out, key, original[key])
  return out
}

function mergeField(out: Members, key: string, value: Json, type: ObjectType | undefined): void {
  if (value === null) {
    delete out[key]
    return
  }
  const old = Object.hasOwn(out, key) ? out[key] : undefined
  if (isRecord(value) && isRecord(old)) {
    const rules = rulesOf(type, key)
    put(out, key, rules.replace ? value : mergeObject(old, value, rules.type))
  } else if (Array.isArray(value) && Array.isArray(old)) {
    const rules = rulesOf(type, key)
    put(out, key, rules.merge ? mergeList(old, value, rules) : value)
  } else {
    const fresh = withoutDirectives(value)
    if (fresh === undefined) delete out[key]
    else put(out, key, fresh)
  }
}

/**
 * A new value as it will stand in the object: directives left out, and nulls unless they are kept; undefined if it is a
 * directive itself.
 */
function withoutDirectives(value: Json, keepsNulls = false): Json {
  if (Array.isArray(value)) {
    const out: Json[] = []
    for (const item of value) {
      const fresh = withoutDirectives(item, keepsNulls)
      if (fresh !== undefined) out.push(fresh)
    }
    return out
  }
  if (!isRecord(value)) return value
  if (Object.hasOwn(value, directive)) return undefined
  const out: Members = {}
  for (const key of Object.keys(value)) {
    if (key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue
    if (value[key] === null && !keepsNulls) continue
    const fresh = withoutDirectives(value[key], keepsNulls)
    if (fresh !== undefined) put(out, key, fresh)
  }
  return out
}

function deleteScalars(out: Members, key: string, list: Json): void {
  if (!Array.isArray(list)) throw new StrategicPatchFailed('invalid patch format of primitive list', 'form')
  const old = out[key]
  if (!Array.isArray(old)) return
  const gone = new Set(list)
  put(
    out,
    key,
    old.filter(item => !gone.has(item)),
  )
}

/** Merges the list that a `$setElementOrder` is for, and orders it. @returns the key of the list */
function mergeOrdered(out: Members, patch: Members, orderKey: string, rules: Rules): string {
  const key = orderKey.slice(orderPrefix.length)
  const order = listOf(patch[orderKey], wrongList(patch[orderKey]))
  const old = Object.hasOwn(out, key) ? listOf(out[key] ?? [], wrongList(out[key])) : undefined
  const changes =
    Object.hasOwn(patch, key) && patch[key] !== null ? listOf(patch[key], wrongList(patch[key])) : undefined
  if (Object.hasOwn(patch, key) && patch[key] === null) {
    delete out[key]
    return key
  }
  checkOrder(changes ?? [], order, rules)
  let merged: Json[]
  if (old && changes) merged = rules.merge ? mergeList(old, changes, rules) : changes
  else if (changes) merged = withoutDirectives(changes) as Json[]
  else if (old) merged = old
  else return key
  put(out, key, arrange(merged, order, old ?? [], rules))
  return key
}

const wrongList = (value: Json) =>
  `expected a []interface {}, but received a ${value === null ? '%!s(<nil>)' : goType(value)}`

const goType = (value: Json) => (isRecord(value) ? 'map[string]interface {}' : goKind(value))

function listOf(value: Json, message: string): Json[] {
  if (!Array.isArray(value)) throw new StrategicPatchFailed(message)
  return value
}

/** The patched elements must stand in the order that the order list says. */
function checkOrder(changes: Json[], order: Json[], rules: Rules): void {
  if (order.length === 0 || changes.length === 0) return
  const wanted = order.map(item => identity(item, rules))
  let at = 0
  for (const item of changes) {
    if (isRecord(item) && Object.hasOwn(item, directive)) continue
    const id = identity(item, rules)
    while (at < wanted.length && wanted[at] !== id) at++
    if (at === wanted.length)
      throw new StrategicPatchFailed(
        `The order in patch list:\n${goPrinted(changes)}\n doesn't match $setElementOrder list:\n${goPrinted(order)}\n`,
      )
    at++
  }
}

/** What makes an element the same as another: the value of its merge key, or itself. */
function identity(item: Json, { mergeKey }: Rules): Json {
  if (!isRecord(item)) return item
  if (mergeKey === undefined) return item
  if (!Object.hasOwn(item, mergeKey))
    throw new StrategicPatchFailed(`map: ${goPrinted(item)} does not contain declared merge key: ${mergeKey}`)
  return item[mergeKey]
}

function mergeList(original: Json[], patch: Json[], rules: Rules): Json[] {
  if (original.length === 0 && patch.length === 0) return original
  if (!sameForm([...original, ...patch])) return refuseMixed(original, patch)
  if (!isRecord(original[0] ?? patch[0])) {
    const merged = [...new Set([...original, ...patch])]
    return arrange(merged, patch, original, rules)
  }
  if (rules.mergeKey === undefined)
    throw new StrategicPatchFailed(`cannot merge lists without merge key for ${rules.type?.shortName ?? 'a list'}`)
  const { base, changes } = applyElementDirectives(original as Members[], patch as Members[], rules)
  return arrange(mergeElements(base, changes, rules), changes, base, rules)
}

function sameForm(items: Json[]): boolean {
  const form = (item: Json) =>
    isRecord(item) ? 'object' : Array.isArray(item) ? 'list' : item === null ? 'null' : typeof item
  const first = form(items[0])
  if (first === 'list' && items.every(item => Array.isArray(item)))
    throw new StrategicPatchFailed('lists of lists are not supported', 'content')
  return items.every(item => form(item) === first)
}

function refuseMixed(original: Json[], patch: Json[]): never {
  throw new StrategicPatchFailed(`list element types are not identical: ${goPrinted([original, patch])}`)
}

/** Carries out `$patch: delete` and `$patch: replace` elements. */
function applyElementDirectives(
  original: Members[],
  patch: Members[],
  rules: Rules,
): { base: Members[]; changes: Members[] } {
  const changes: Members[] = []
  const gone = new Set<Json>()
  let replace = false
  for (const item of patch) {
    if (!Object.hasOwn(item, directive)) changes.push(item)
    else if (item[directive] === 'delete') gone.add(identity(item, rules))
    else if (item[directive] === 'replace') replace = true
    else if (item[directive] === 'merge')
      throw new StrategicPatchFailed('merging lists cannot yet be specified in the patch')
    else throw unknownDirective(item[directive], item)
  }
  if (replace) return { base: withoutDirectives(changes) as Members[], changes: [] }
  const key = rules.mergeKey!
  return { base: gone.size > 0 ? original.filter(item => !gone.has(item[key])) : original, changes }
}

function mergeElements(base: Members[], changes: Members[], rules: Rules): Members[] {
  const merged = [...base]
  const places = new Map<Json, number>()
  base.forEach((item, i) => {
    const id = item[rules.mergeKey!]
    if (!places.has(id)) places.set(id, i)
  })
  for (const change of changes) {
    const id = identity(change, rules)
    const at = places.get(id)
    if (at === undefined) {
      places.set(id, merged.length)
      // Null may be what names it.
      merged.push(withoutDirectives(change, true) as Members)
    } else merged[at] = mergeObject(merged[at]!, change, rules.type)
  }
  return merged
}

/**
 * Orders a merged list: elements that the sender named stand in the sender's order, the others in theirs, and where the two
 * meet the old order decides.
 */
function arrange(merged: Json[], sender: Json[], old: Json[], rules: Rules): Json[] {
  const senderPlaces = placesOf(sender, rules)
  const oldPlaces = placesOf(old, rules)
  const keyed = merged.map(item => ({ item, id: identity(item, rules) }))
  const named = keyed.filter(({ id }) => senderPlaces.has(id))
  const others = keyed.filter(({ id }) => !senderPlaces.has(id))
  named.sort((a, b) => senderPlaces.get(a.id)! - senderPlaces.get(b.id)!)
  others.sort((a, b) => (oldPlaces.get(a.id) ?? 0) - (oldPlaces.get(b.id) ?? 0))
  const out: Json[] = []
  let n = 0
  for (const other of others) {
    const otherPlace = oldPlaces.get(other.id)
    for (; n < named.length; n++) {
      const place = oldPlaces.get(named[n]!.id)
      if (place !== undefined && otherPlace !== undefined && otherPlace < place) break
      out.push(named[n]!.item)
    }
    out.push(other.item)
  }
  for (; n < named.length; n++) out.push(named[n]!.item)
  return out
}

function placesOf(list: Json[], rules: Rules): Map<Json, number> {
  const places = new Map<Json, number>()
  list.forEach((item, i) => {
    const id = identity(item, rules)
    if (!places.has(id)) places.set(id, i)
  })
  return places
}

function rulesOf(type: ObjectType | undefined, key: string): Rules {
  const field = type?.fields.get(key)
  if (!field) return noRules
  return {
    type: objectTypeOf(field.type),
    merge: field.merge,
    replace: field.replace,
    mergeKey: field.mergeKey,
  }
}

function objectTypeOf(type: Type): ObjectType | undefined {
  if (type.form === 'object') return type
  return type.form === 'list' && type.of.form === 'object' ? type.of : undefined
}
