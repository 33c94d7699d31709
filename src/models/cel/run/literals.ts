import { Failure, fail } from '../errors.ts'
import type { ObjectType } from '../types.ts'
import { ArrayList, EntryMap, Optional, type Value } from '../values/value.ts'
import { type Compiled, constant } from './call.ts'
import { insert, optionalValue } from './collection.ts'
import { attempt, Frame, type Run } from './frame.ts'
import { StructValue } from './struct-value.ts'

export const listCost = 10
const mapCost = 30
const structCost = 40

/** `[a, ?b]`: a constant where all of its items are. */
export function list(items: readonly Compiled[], optional: ReadonlySet<number>): Compiled {
  if (optional.size === 0 && items.every(item => item.constant !== undefined))
    return constant(new ArrayList(items.map(item => item.constant!)))
  return frame => {
    const values: Value[] = []
    for (const [i, run] of items.entries()) {
      const value = run(frame)
      if (!optional.has(i)) values.push(value)
      else if (!(value instanceof Optional)) fail('no such overload')
      else if (value.value !== undefined) values.push(value.value)
    }
    frame.charge(listCost)
    return new ArrayList(values)
  }
}

export interface Entry {
  key: Compiled
  value: Compiled
  optional: boolean
}

/** `{a: b, ?c: d}`: a constant where all keys and values are and no key is there twice. */
export function map(entries: readonly Entry[]): Compiled {
  const build = (frame: Frame): Value => {
    const made = new EntryMap()
    for (const { key, value, optional } of entries) {
      const name = key(frame)
      const item = optionalValue(value(frame), optional)
      if (item !== undefined) insert(made, name, item)
    }
    return made
  }
  if (
    entries.every(({ key, value, optional }) => key.constant !== undefined && value.constant !== undefined && !optional)
  ) {
    const made = attempt(build, new Frame({}, 0))
    if (!(made instanceof Failure)) return constant(made)
  }
  return frame => {
    const made = build(frame)
    frame.charge(mapCost)
    return made
  }
}

export interface Field {
  name: string
  run: Run
  optional: boolean
}

/** `Type{a: b}`. */
export function struct(type: ObjectType, fields: readonly Field[]): Run {
  return frame => {
    const made = new StructValue(type)
    for (const { name, optional, run } of fields) {
      const item = optionalValue(run(frame), optional)
      if (item !== undefined) made.set(name, item)
    }
    frame.charge(structCost)
    return made
  }
}
