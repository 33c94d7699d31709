import { Duration, List, Mapping, Opaque, Optional, Timestamp, TypeValue, Uint, type Value } from './value.ts'
import { work } from './work.ts'

const numeric = (value: Value): bigint | number | undefined => {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  return value instanceof Uint ? value.value : undefined
}

/** Between an integer and a double, the integer counts as the nearest double. */
function orderOf(x: bigint | number, y: bigint | number | undefined): number {
  if (y === undefined) return Number.NaN
  const [a, b] = typeof x === typeof y ? [x, y] : [Number(x), Number(y)]
  return a < b ? -1 : a > b ? 1 : a >= b ? 0 : Number.NaN
}

/** Numbers are equal across their kinds; values of different types are not. */
export function equal(a: Value, b: Value): boolean {
  work(1)
  if (a === null || b === null) return a === b
  const x = numeric(a)
  if (x !== undefined) return orderOf(x, numeric(b)) === 0
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b)
  if (a instanceof List) return b instanceof List && equalLists(a, b)
  if (a instanceof Mapping) return b instanceof Mapping && equalMaps(a, b)
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name
  if (a instanceof Optional) return b instanceof Optional && equalOptionals(a, b)
  return a instanceof Opaque && b instanceof Opaque && a.typeName === b.typeName && a.equals(b)
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  work(a.length / 16)
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function equalOptionals(a: Optional, b: Optional): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value
  return equal(a.value, b.value)
}

function equalLists(a: List, b: List): boolean {
  if (a.size !== b.size) return false
  const unordered = a.semantics !== 'atomic' ? a : b.semantics !== 'atomic' ? b : undefined
  if (unordered) return equalInAnyOrder(a, b, unordered)
  for (let i = 0; i < a.size; i++) if (!equal(a.at(i), b.at(i))) return false
  return true
}

/** What names an element of a list without order: itself, or the values of its keys. */
export function elementKey(value: Value, list: List): string | undefined {
  if (list.semantics !== 'map') return scalarKey(value)
  if (!(value instanceof Mapping)) return undefined
  const parts = list.keys.map(key => scalarKey(value.find(key) ?? null) ?? '')
  return JSON.stringify(parts)
}

const scalarKey = (value: Value): string | undefined => {
  const number = numeric(value)
  if (number !== undefined) return `n${number}`
  return typeof value === 'string' || typeof value === 'boolean' || value === null
    ? `${typeof value}${value}`
    : undefined
}

function equalInAnyOrder(a: List, b: List, how: List): boolean {
  const named = new Map<string, Value>()
  for (const item of b) {
    work(1)
    const key = elementKey(item, how)
    if (key === undefined) return [...a].every((x, i) => equal(x, b.at(i)))
    named.set(key, item)
  }
  for (const item of a) {
    const key = elementKey(item, how)
    const other = key === undefined ? undefined : named.get(key)
    if (other === undefined || !equal(item, other)) return false
  }
  return true
}

function count(map: Mapping): number {
  let keys = 0
  for (const _ of map.keys()) keys++
  work(keys / 10)
  return keys
}

function equalMaps(a: Mapping, b: Mapping): boolean {
  if (count(a) !== count(b)) return false
  for (const key of a.keys()) {
    const left = a.find(key)
    const right = b.find(key)
    if (left === undefined || right === undefined || !equal(left, right)) return false
  }
  return true
}

/** Negative, 0 or positive; NaN where they have no order; undefined where they cannot be compared. */
export function compare(a: Value, b: Value): number | undefined {
  const x = numeric(a)
  const y = numeric(b)
  if (x !== undefined && y !== undefined) return orderOf(x, y)
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Timestamp && b instanceof Timestamp) return order(a.nanos, b.nanos)
  if (a instanceof Duration && b instanceof Duration) return order(a.nanos, b.nanos)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  return undefined
}

const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/** By code points: UTF-16 would put some characters beyond the first 65,536 before others. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const surrogates = Number(x >= 0xd800 && x < 0xe000) - Number(y >= 0xd800 && y < 0xe000)
    return surrogates || x - y
  }
  return a.length - b.length
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
