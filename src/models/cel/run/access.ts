import { fail } from '../errors.ts'
import { List, Mapping, Optional, Uint, type Value } from '../values/value.ts'

/** `target.field`; `target.?field` where it is optional, and so where the target is. */
export function select(target: Value, field: string, optional: boolean): Value {
  if (target instanceof Optional)
    return target.value === undefined ? Optional.none : optionally(find(target.value, field, false, optional))
  const found = find(target, field, !optional, optional)
  return optional ? optionally(found) : found!
}

const optionally = (value: Value | undefined): Optional => (value === undefined ? Optional.none : new Optional(value))

/** @param lenient true where null has no fields, instead of being wrong */
function find(target: Value, field: string, must: boolean, lenient: boolean): Value | undefined {
  if (!(target instanceof Mapping)) {
    return lenient && target === null ? undefined : fail(target === null ? `no such key: ${field}` : 'no such overload')
  }
  const found = target.find(field)
  return found === undefined && must ? fail(`no such key: ${field}`) : found
}

/** `has(target.field)` */
export function hasField(target: Value, field: string): boolean {
  if (target instanceof Optional) return target.value !== undefined && hasField(target.value, field)
  // What has no fields has not this one: null too.
  return target instanceof Mapping && target.find(field) !== undefined
}

/** `target[key]`; `target[?key]` where it is optional, and so where the target is. */
export function index(target: Value, key: Value, optional: boolean): Value {
  if (target instanceof Optional)
    return target.value === undefined ? Optional.none : optionally(at(target.value, key, false))
  const found = at(target, key, !optional)
  return optional ? optionally(found) : found!
}

function at(target: Value, key: Value, must: boolean): Value | undefined {
  if (target instanceof List) return element(target, key, must)
  if (!(target instanceof Mapping)) return fail('no such overload')
  const found = target.find(key)
  if (found !== undefined || !must) return found
  if (typeof key === 'object') {
    if (!(key instanceof Uint)) return fail('no such overload')
    return fail(`no such key: ${key.value}`)
  }
  return fail(`no such key: ${key}`)
}

function element(list: List, key: Value, must: boolean): Value | undefined {
  const position =
    key instanceof Uint ? key.value : typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key
  if (typeof position !== 'bigint') return fail(`unsupported index type '${typeof key}' in list`)
  if (position < 0n || position >= BigInt(list.size)) return must ? fail(`index out of bounds: ${position}`) : undefined
  return list.at(Number(position))
}
