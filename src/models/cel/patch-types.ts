import { type CelField, type CelType, cel, ObjectType } from './types.ts'
import { List, Mapping, type Value } from './values/value.ts'

// The types that a mutation builds: `JSONPatch{op: "add", …}`, and `Object{spec: Object.spec{replicas: 3}}`, whose types are
// named after the fields in which they stand. Nothing is known of those but their names.

/** Has every field, of any type. */
class AnyFields extends Map<string, CelField> {
  override get(name: string): CelField {
    return { name, type: cel.dyn }
  }
}

const openObject = (name: string) => new ObjectType(name, () => new AnyFields())

export const jsonPatchType = cel.object('JSONPatch', {
  ...{ op: cel.string, from: cel.string, path: cel.string, value: cel.dyn },
})

/** The types that an expression may build, by the names that it mentions. */
export function patchTypes(source: string): Map<string, CelType> {
  const names = new Set(['Object', ...(source.match(/\bObject(?:\.[A-Za-z_]\w*)+/g) ?? [])])
  return new Map<string, CelType>([
    ['JSONPatch', jsonPatchType],
    ...[...names].map(name => [name, openObject(name)] as [string, CelType]),
  ])
}

/**
 * Built objects whose type is not named after their place: `Object{spec: Object.wrong{}}`. Lists and maps between have no
 * name of their own.
 * @returns what is wrong, in Kubernetes' words
 */
export function typeNameFaults(value: Value): string[] {
  return value instanceof Mapping && isBuilt(value) ? faults(value, value.objectType.name) : []
}

const isBuilt = (value: Mapping): value is Mapping & { objectType: ObjectType } =>
  value.objectType !== undefined && /^Object(\.|$)/.test(value.objectType.name)

function faults(value: Value | undefined, place: string): string[] {
  if (value instanceof List) return [...value].flatMap(item => faults(item, place))
  if (!(value instanceof Mapping)) return []
  const entries = [...value.keys()].map(key => [key, value.find(key)] as const)
  if (!isBuilt(value)) return entries.flatMap(([, item]) => faults(item, place))
  const { name } = value.objectType
  const own =
    name === place
      ? []
      : [
          `unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(place)}, which matches field name path from root Object type`,
        ]
  return [...own, ...entries.flatMap(([key, item]) => faults(item, `${place}.${String(key)}`))]
}
