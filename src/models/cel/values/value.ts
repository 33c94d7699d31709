import type { ObjectType } from '../types.ts'
import { work } from './work.ts'

/** What an expression computes with: int is bigint, double is number. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | List
  | Mapping
  | Timestamp
  | Duration
  | TypeValue
  | Optional
  | Opaque

/** An unsigned integer of 64 bits. */
export class Uint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** An instant, as nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint
  /** Of the time zone in which it was written; only its text shows it. */
  readonly offsetMinutes: number
  constructor(nanos: bigint, offsetMinutes = 0) {
    this.nanos = nanos
    this.offsetMinutes = offsetMinutes
  }
}

export class Duration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** A type as a value, by its name. */
export class TypeValue {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A value that may be missing. */
export class Optional {
  readonly value: Value | undefined
  constructor(value?: Value) {
    this.value = value
  }
  static readonly none = new Optional()
}

/** A value of a library's own type. */
export abstract class Opaque {
  abstract readonly typeName: string
  abstract equals(other: Opaque): boolean
  /** What costs count, where it is not one. */
  get size(): number {
    return 1
  }
  /** As JSON, where such a value can be a result. */
  toJson(): unknown {
    return String(this)
  }
}

/** Elements by index. Those of JSON are read when they are asked for. */
export abstract class List {
  abstract readonly size: number
  /** @param index from 0 to size − 1 */
  abstract at(index: number): Value

  *[Symbol.iterator](): IterableIterator<Value> {
    for (let i = 0; i < this.size; i++) yield this.at(i)
  }

  /** Sets and keyed lists are equal in any order. */
  readonly semantics: 'atomic' | 'set' | 'map' = 'atomic'
  /** The fields that name an element of a keyed list. */
  readonly keys: readonly string[] = []
}

export class ArrayList extends List {
  readonly items: readonly Value[]
  constructor(items: readonly Value[]) {
    super()
    this.items = items
  }
  get size(): number {
    return this.items.length
  }
  at(index: number): Value {
    return this.items[index]!
  }
}

/** Two lists as one, without copying either: doubling a list again and again must not take memory. */
export class JoinedList extends List {
  readonly size: number
  readonly #left: List
  readonly #right: List
  constructor(left: List, right: List) {
    super()
    this.#left = left
    this.#right = right
    this.size = left.size + right.size
  }
  at(index: number): Value {
    // Each join on the way down is a step: a list of joins of joins is slow to read.
    work(1)
    return index < this.#left.size ? this.#left.at(index) : this.#right.at(index - this.#left.size)
  }
}

/** Values by key: a map, or an object by the names of its fields. */
export abstract class Mapping {
  abstract readonly size: number
  abstract find(key: Value): Value | undefined
  abstract keys(): Iterable<Value>
  /** The declared type, where it is an object of known fields. */
  get objectType(): ObjectType | undefined {
    return undefined
  }
}

/** The same for keys that are equal: 1, 1u and 1.0. undefined for what can be no key. */
export function keyOf(key: Value): string | bigint | boolean | undefined {
  switch (typeof key) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return key
    case 'number':
      return Number.isInteger(key) ? BigInt(key) : undefined
    default:
      return key instanceof Uint ? key.value : undefined
  }
}

export class EntryMap extends Mapping {
  readonly #entries = new Map<string | bigint | boolean, [Value, Value]>()

  get size(): number {
    return this.#entries.size
  }

  find(key: Value): Value | undefined {
    const id = keyOf(key)
    return id === undefined ? undefined : this.#entries.get(id)?.[1]
  }

  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key
  }

  /** @returns false if the key is there already, or can be none */
  insert(key: Value, value: Value): boolean {
    const id = keyOf(key)
    if (id === undefined || typeof key === 'number' || this.#entries.has(id)) return false
    this.#entries.set(id, [key, value])
    return true
  }

  copy(): EntryMap {
    const copied = new EntryMap()
    for (const [key, value] of this.#entries.values()) copied.insert(key, value)
    return copied
  }
}

/** The name of a value's type: what `type(x)` is. */
export function typeNameOf(value: Value): string {
  if (value === null) return 'null_type'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
  }
  if (value instanceof List) return 'list'
  if (value instanceof Mapping) return value.objectType?.name ?? 'map'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof Uint) return 'uint'
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp'
  if (value instanceof Duration) return 'google.protobuf.Duration'
  if (value instanceof TypeValue) return 'type'
  if (value instanceof Optional) return 'optional_type'
  return value.typeName
}

/** Characters, bytes or elements; 1 for everything that has no size. What costs are counted by. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return textLength(value)
  if (value instanceof List || value instanceof Mapping || value instanceof Opaque) return value.size
  if (value instanceof Uint8Array) return value.length
  if (value instanceof Optional && value.value !== undefined) return sizeOf(value.value)
  return 1
}

const pairs = /[\ud800-\udbff][\udc00-\udfff]/g

/** In characters, not in UTF-16 units. */
export function textLength(text: string): number {
  const found = text.match(pairs)
  return found ? text.length - found.length : text.length
}
