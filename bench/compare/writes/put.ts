import type { Schema, Schemas } from '../schemas.ts'
import type { Json } from '../side.ts'
import { absent, type Mutation } from './mutations.ts'
import type { Place, Step } from './places.ts'
import { plausible } from './plausible.ts'

/** What stands at a place; undefined for nothing. */
export function valueAt(object: Json, steps: readonly Step[]): Json {
  let at = object
  for (const step of steps) {
    const key = keyOf(at, step)
    if (key === undefined || at === null || typeof at !== 'object') return undefined
    at = at[key]
  }
  return at
}

/** The field, the first element, the first entry. */
export function keyOf(at: Json, step: Step): string | number | undefined {
  if ('field' in step) return step.field
  if ('item' in step) return 0
  return at && typeof at === 'object' ? (Object.keys(at)[0] ?? 'a') : 'a'
}

/** A copy with a mutation at a place; what must be around it is made up where it is not there. */
export function withMutation(schemas: Schemas, root: Schema, base: Json, place: Place, { value }: Mutation): Json {
  const copy = structuredClone(base)
  let [at, schema] = [copy, schemas.resolve(root)]
  place.steps.forEach((step, i) => {
    const key = keyOf(at, step)!
    schema = schemas.resolve(innerOf(schema, step))
    const last = i === place.steps.length - 1
    if (!last) {
      at[key] ??= plausible(schemas, schema, 'field' in step ? step.field : '')
      if (at[key] === null || typeof at[key] !== 'object') at[key] = schema.type === 'array' ? [] : {}
      at = at[key]
    } else if (value !== absent) at[key] = value
    else if (Array.isArray(at)) at.splice(0, 1)
    else delete at[key]
  })
  return copy
}

export function innerOf(schema: Schema, step: Step): Schema {
  if ('field' in step) return schema.properties?.[step.field] ?? {}
  return ('item' in step ? schema.items : schema.additionalProperties) ?? {}
}
