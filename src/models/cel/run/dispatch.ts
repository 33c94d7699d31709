import type { Overload } from '../library/function.ts'
import type { CelType } from '../types.ts'
import {
  Duration,
  List,
  Mapping,
  Optional,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
  type Value,
} from '../values/value.ts'

/** True if a function that asks for the type can be given the value; what is inside of lists and maps is not looked at. */
export function isOf(value: Value, type: CelType): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
    case 'error':
      return true
    case 'null':
      return value === null
    case 'bool':
      return typeof value === 'boolean'
    case 'int':
      return typeof value === 'bigint'
    case 'double':
      return typeof value === 'number'
    case 'string':
      return typeof value === 'string'
    case 'uint':
      return value instanceof Uint
    case 'bytes':
      return value instanceof Uint8Array
    case 'list':
      return value instanceof List
    case 'map':
    case 'object':
      return value instanceof Mapping
    case 'timestamp':
      return value instanceof Timestamp
    case 'duration':
      return value instanceof Duration
    case 'optional':
      return value instanceof Optional
    case 'type':
      return value instanceof TypeValue
    case 'opaque':
      return value !== null && typeNameOf(value) === type.name
    case 'wrapper':
      return value === null || isOf(value, type.of)
  }
}

/** The form of a function that takes these values. */
export function choose(overloads: readonly Overload[], args: readonly Value[]): Overload | undefined {
  return overloads.find(overload => {
    for (let i = 0; i < args.length; i++) if (!isOf(args[i]!, overload.args[i]!)) return false
    return true
  })
}
