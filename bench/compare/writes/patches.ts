import type { Schemas, ServedKind } from '../schemas.ts'
import type { Json } from '../side.ts'
import { absent, type Mutation } from './mutations.ts'
import type { Place, Step } from './places.ts'
import { keyOf, valueAt, withMutation } from './put.ts'

type MergeKeyOf = (step: Step) => string | undefined

/** What each kind of patch says to come from `live` to the mutated one; undefined where it has no words for it. */
export const mergePatch = (schemas: Schemas, kind: ServedKind, live: Json, place: Place, mutation: Mutation): Json =>
  nested(live, withMutation(schemas, kind.schema, live, place, mutation), place.steps, mutation, () => undefined)

export const strategicPatch = (
  schemas: Schemas,
  kind: ServedKind,
  live: Json,
  place: Place,
  mutation: Mutation,
): Json => {
  const mutated = withMutation(schemas, kind.schema, live, place, mutation)
  return nested(live, mutated, place.steps, mutation, step => ('item' in step ? step.mergeKey : undefined))
}

/** Lists stand whole in it, but those whose elements have a name: of those only the one that changes. */
function nested(live: Json, mutated: Json, steps: readonly Step[], mutation: Mutation, mergeKeyOf: MergeKeyOf): Json {
  const [step, next] = steps
  const key = keyOf(live ?? mutated, step!)!
  const [before, after] = [live?.[key], mutated?.[key]]
  if (!next) return { [key]: mutation.value === absent ? null : after }
  const mergeKey = mergeKeyOf(next)
  const first = Array.isArray(after) ? after[0] : undefined
  if (mergeKey && first?.[mergeKey] !== undefined && steps.length > 2) {
    const element = nested(before?.[0], first, steps.slice(2), mutation, mergeKeyOf)
    return { [key]: [{ [mergeKey]: first[mergeKey], ...element }] }
  }
  if (Array.isArray(after) || before === undefined) return { [key]: after }
  return { [key]: nested(before, after, steps.slice(1), mutation, mergeKeyOf) }
}

export function jsonPatch(schemas: Schemas, kind: ServedKind, live: Json, place: Place, mutation: Mutation): Json {
  const mutated = withMutation(schemas, kind.schema, live, place, mutation)
  let pointer = ''
  let [before, after] = [live, mutated]
  for (const [i, step] of place.steps.entries()) {
    const key = keyOf(before, step)!
    pointer += `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
    const last = i === place.steps.length - 1
    if (last && mutation.value === absent)
      return valueAt(live, place.steps) === undefined ? undefined : [{ op: 'remove', path: pointer }]
    const value = after?.[key]
    if (last || before?.[key] === undefined)
      return [{ op: before?.[key] === undefined ? 'add' : 'replace', path: pointer, value }]
    ;[before, after] = [before[key], value]
  }
  return undefined
}
