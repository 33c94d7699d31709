import { type CelType, cel, escapeName, type ObjectType } from '../types.ts'
import { durationText, parseDuration, parseTimestamp, timestampText } from './time.ts'
import { Duration, List, Mapping, Opaque, Optional, Timestamp, TypeValue, Uint, type Value } from './value.ts'

/** A value that is computed when an expression first looks at it. */
export class Lazy {
  readonly #make: () => unknown
  #made: { value: unknown } | undefined
  constructor(make: () => unknown) {
    this.#make = make
  }
  get value(): unknown {
    this.#made ??= { value: this.#make() }
    return this.#made.value
  }
}

/** Plain JSON as a value, read as the type says; what does not fit the type is read as what it is. */
export function fromJson(json: unknown, type: CelType = cel.dyn): Value {
  if (json instanceof Lazy) return fromJson(json.value, type)
  if (type.kind === 'optional') return json === undefined ? Optional.none : new Optional(fromJson(json, type.of))
  if (json === null || json === undefined) return null
  switch (typeof json) {
    case 'string':
      return textValue(json, type)
    case 'number':
      return numberValue(json, type)
    case 'bigint':
      return type.kind === 'double' ? Number(json) : type.kind === 'uint' ? new Uint(json) : json
    case 'boolean':
      return json
  }
  if (isValue(json)) return json
  if (Array.isArray(json)) return new JsonList(json, type)
  return type.kind === 'object'
    ? new JsonObject(json as Record<string, unknown>, type)
    : new JsonMap(json as Record<string, unknown>, type.kind === 'map' ? type.of : cel.dyn)
}

const isValue = (json: unknown): json is Value =>
  [List, Mapping, Opaque, Timestamp, Duration, Uint, Optional, TypeValue, Uint8Array].some(of => json instanceof of)

function textValue(text: string, type: CelType): Value {
  switch (type.kind) {
    case 'timestamp':
      return parseTimestamp(text) ?? text
    case 'duration':
      return parseDuration(text) ?? text
    case 'bytes':
      return decodeBase64(text) ?? text
    default:
      return text
  }
}

function numberValue(number: number, type: CelType): Value {
  if (type.kind === 'double' || !Number.isInteger(number)) return number
  return type.kind === 'uint' ? new Uint(BigInt(number)) : BigInt(number)
}

/** @returns undefined for what is no base64 text; padding may be missing */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  try {
    return Uint8Array.from(atob(text.replace(/=+$/, '')), character => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

export function encodeBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

class JsonList extends List {
  readonly json: readonly unknown[]
  readonly #of: CelType
  override readonly semantics: 'atomic' | 'set' | 'map'
  override readonly keys: readonly string[]
  constructor(json: readonly unknown[], type: CelType) {
    super()
    this.json = json
    this.#of = type.kind === 'list' ? type.of : cel.dyn
    this.semantics = (type.kind === 'list' && type.semantics) || 'atomic'
    this.keys = (type.kind === 'list' && type.keys?.map(key => escapeName(key) ?? key)) || []
  }
  get size(): number {
    return this.json.length
  }
  at(index: number): Value {
    return fromJson(this.json[index], this.#of)
  }
}

class JsonMap extends Mapping {
  readonly json: Record<string, unknown>
  readonly #of: CelType
  #size: number | undefined
  constructor(json: Record<string, unknown>, of: CelType) {
    super()
    this.json = json
    this.#of = of
  }
  get size(): number {
    this.#size ??= Object.keys(this.json).length
    return this.#size
  }
  find(key: Value): Value | undefined {
    return typeof key === 'string' && Object.hasOwn(this.json, key) ? fromJson(this.json[key], this.#of) : undefined
  }
  keys(): Iterable<Value> {
    return Object.keys(this.json)
  }
}

/**
 * An object whose fields are known. A field that is null is as good as absent. What its type does not know, because it
 * was kept all the same, counts in comparisons; no expression can name it.
 */
class JsonObject extends Mapping {
  readonly json: Record<string, unknown>
  readonly #type: ObjectType
  constructor(json: Record<string, unknown>, type: ObjectType) {
    super()
    this.json = json
    this.#type = type
  }
  override get objectType(): ObjectType {
    return this.#type
  }
  get size(): number {
    return Object.keys(this.json).length
  }
  find(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined
    const { name, type } = this.#type.field(key) ?? { name: key, type: cel.dyn }
    const json = Object.hasOwn(this.json, name) ? this.json[name] : null
    return json === null ? undefined : fromJson(json, type)
  }
  *keys(): Iterable<Value> {
    const known = new Set<string>()
    for (const [name, field] of this.#type.fields) {
      known.add(field.name)
      if (this.find(name) !== undefined) yield name
    }
    for (const name of Object.keys(this.json)) if (!known.has(name) && this.json[name] !== null) yield name
  }
}

/** Whole numbers beyond this are bigint in JSON. */
const safe = BigInt(Number.MAX_SAFE_INTEGER)
const plain = (value: bigint): number | bigint => (value <= safe && value >= -safe ? Number(value) : value)

/** The value as plain JSON. */
export function toJson(value: Value): unknown {
  if (typeof value === 'bigint') return plain(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof JsonList || value instanceof JsonMap || value instanceof JsonObject) return value.json
  if (value instanceof List) return [...value].map(toJson)
  if (value instanceof Mapping)
    return Object.fromEntries([...value.keys()].map(key => [keyText(key), toJson(value.find(key)!)]))
  if (value instanceof Uint) return plain(value.value)
  if (value instanceof Uint8Array) return encodeBase64(value)
  if (value instanceof Timestamp) return timestampText(value)
  if (value instanceof Duration) return durationText(value)
  if (value instanceof TypeValue) return value.name
  if (value instanceof Optional) return value.value === undefined ? undefined : toJson(value.value)
  return value.toJson()
}

const keyText = (key: Value): string => String(key instanceof Uint ? key.value : key)
