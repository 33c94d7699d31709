import type { Type } from '../schema/types.ts'
import { fieldOf, granularOf, isDivided, isNothing } from './typed-fields.ts'

/** All of a value that decides which fields it has: not what they say, but for what names the elements of lists. */
type Shape =
  | { form: 'absent' | 'null' | 'nothing' | 'whole' }
  | { form: 'fields'; names: string[]; below: Shape[] }
  | { form: 'set'; items: unknown[] }
  | { form: 'keyed'; keys: readonly string[]; items: { named: unknown[]; fields: Shape }[] }

const absent: Shape = { form: 'absent' }
const isNull: Shape = { form: 'null' }
/** One value, that is empty or not: of what is always there only what is not empty is owned. */
const nothing: Shape = { form: 'nothing' }
const whole: Shape = { form: 'whole' }

/** So many shapes are remembered of one type; those that were not met for longest go first. */
const maxShapes = 8

/**
 * What was worked out for objects of one type, found again for the next object that has the same fields. Objects come in
 * series, made from one template: to see that one is like the one before takes a tenth of what working it out takes.
 */
export class Shapes<T> {
  readonly #type: Type
  readonly #known: { shape: Shape; result: T }[] = []

  constructor(type: Type) {
    this.#type = type
  }

  find(object: object): T | undefined {
    const at = this.#known.findIndex(known => fits(known.shape, object))
    if (at < 0) return undefined
    const [found] = at === 0 ? this.#known : this.#known.splice(at, 1)
    if (at > 0) this.#known.unshift(found!)
    return found!.result
  }

  remember(object: object, result: T): void {
    const shape = shapeOf(this.#type, object)
    if (!shape) return
    this.#known.unshift({ shape, result })
    if (this.#known.length > maxShapes) this.#known.pop()
  }
}

/** Undefined for what is not as its type says, or names an element by something that is no word or number. */
function shapeOf(type: Type | undefined, value: unknown): Shape | undefined {
  if (value === undefined) return absent
  if (value === null) return isNull
  const g = granularOf(type)
  if (!g) return isNothing(value) ? nothing : whole
  if (!isDivided(type, value)) return undefined
  if (g.form !== 'list') {
    const names = Object.keys(value)
    const below = every(names, name => shapeOf(fieldOf(g, name).type, (value as Record<string, unknown>)[name]))
    return below && { form: 'fields', names, below }
  }
  const list = value as unknown[]
  if (g.type.list === 'set') return list.every(isPlain) ? { form: 'set', items: [...list] } : undefined
  const { keys } = g.type
  const items = every(list, item => {
    const fields = shapeOf(g.type.of, item)
    if (fields?.form !== 'fields') return undefined
    const named = keys.map(key => (item as Record<string, unknown>)[key])
    return named.every(isPlain) ? { named, fields } : undefined
  })
  return items && { form: 'keyed', keys, items }
}

function every<T, R>(all: readonly T[], one: (item: T) => R | undefined): R[] | undefined {
  const out: R[] = []
  for (const item of all) {
    const result = one(item)
    if (result === undefined) return undefined
    out.push(result)
  }
  return out
}

// Numbers come from JSON: none is unlike itself.
const isPlain = (value: unknown): boolean => value === undefined || typeof value !== 'object'

function fits(shape: Shape, value: any): boolean {
  switch (shape.form) {
    case 'absent':
      return value === undefined
    case 'null':
      return value === null
    case 'nothing':
      return value !== null && value !== undefined && isNothing(value)
    case 'whole':
      return value !== null && value !== undefined && !isNothing(value)
    case 'fields':
      return fieldsFit(shape.names, shape.below, value)
    case 'set':
      return Array.isArray(value) && value.length === shape.items.length && shape.items.every((v, i) => v === value[i])
    case 'keyed':
      return (
        Array.isArray(value) &&
        value.length === shape.items.length &&
        shape.items.every(({ named, fields }, i) => {
          const item = value[i]
          return fits(fields, item) && shape.keys.every((key, k) => item[key] === named[k])
        })
      )
  }
}

function fieldsFit(names: readonly string[], below: readonly Shape[], value: any): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  let at = 0
  for (const name in value) {
    if (names[at] !== name || !fits(below[at]!, value[name])) return false
    at++
  }
  return at === names.length
}
