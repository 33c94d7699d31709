import { fail } from '../errors.ts'
import { type EntryMap, List, Mapping, Optional, Uint, type Value } from '../values/value.ts'

/** The value of an element that may be left out; undefined: it is. */
export function optionalValue(value: Value, optional: boolean): Value | undefined {
  if (!optional) return value
  return value instanceof Optional ? value.value : fail('no such overload')
}

/** @throws Failure for a key that is there already, or can be none */
export function insert(map: EntryMap, key: Value, value: Value): void {
  if (map.find(key) !== undefined)
    fail(`insert failed: key '${String(key instanceof Uint ? key.value : key)}' already exists`)
  if (!map.insert(key, value)) fail('unsupported key type')
}

/** What a loop goes over: elements or keys, or with two variables index and element, key and value. */
export function* iterated(over: Value, two: boolean): Iterable<[Value, Value]> {
  if (over instanceof List) {
    for (let i = 0; i < over.size; i++) {
      const item = over.at(i)
      yield two ? [BigInt(i), item] : [item, item]
    }
  } else if (over instanceof Mapping) {
    for (const key of over.keys()) yield [key, two ? over.find(key)! : key]
  } else fail('no such overload')
}
