import type { ObjectType } from '../types.ts'
import { Mapping, type Value } from '../values/value.ts'

/** An object that an expression built. */
export class StructValue extends Mapping {
  readonly #type: ObjectType
  readonly #fields = new Map<string, Value>()
  constructor(type: ObjectType) {
    super()
    this.#type = type
  }
  override get objectType(): ObjectType {
    return this.#type
  }
  get size(): number {
    return this.#fields.size
  }
  set(name: string, value: Value): void {
    this.#fields.set(name, value)
  }
  find(key: Value): Value | undefined {
    return typeof key === 'string' ? this.#fields.get(key) : undefined
  }
  keys(): Iterable<Value> {
    return this.#fields.keys()
  }
}
