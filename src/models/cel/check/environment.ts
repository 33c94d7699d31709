import type { Library } from '../library/function.ts'
import { type CelType, cel } from '../types.ts'
import { TypeValue } from '../values/value.ts'
import type { Named } from './scope.ts'

const named: [string, CelType][] = [
  ['bool', cel.bool],
  ['int', cel.int],
  ['uint', cel.uint],
  ['double', cel.double],
  ['string', cel.string],
  ['bytes', cel.bytes],
  ['list', cel.list(cel.dyn)],
  ['map', cel.map(cel.dyn, cel.dyn)],
  ['null_type', cel.null],
  ['type', cel.type(cel.dyn)],
  ['google.protobuf.Timestamp', cel.timestamp],
  ['google.protobuf.Duration', cel.duration],
  ['optional_type', cel.optional(cel.dyn)],
]

/** A name that stands for a type. */
export const typeName = (name: string, type: CelType): [string, Named] => [
  name,
  { kind: 'constant', type: cel.type(type), value: new TypeValue(name) },
]

const standardNames = new Map(named.map(([name, type]) => typeName(name, type)))

/** The names that every expression has: types, those of libraries included, and its own variables. */
export function globalsOf(
  {
    variables,
    types,
  }: { variables: Readonly<Record<string, CelType>>; types?: ReadonlyMap<string, CelType> | undefined },
  functions: Library,
): Map<string, Named> {
  const globals = new Map(standardNames)
  for (const [name, type] of types ?? []) globals.set(...typeName(name, type))
  for (const name of opaqueNames(functions)) globals.set(...typeName(name, cel.opaque(name)))
  for (const [name, type] of Object.entries(variables)) globals.set(name, { kind: 'variable', name, type })
  return globals
}

const known = new WeakMap<Library, Set<string>>()

function opaqueNames(functions: Library): Set<string> {
  let names = known.get(functions)
  if (!names) {
    const results = [...functions.values()].flat().map(overload => overload.result)
    names = new Set(results.flatMap(type => (type.kind === 'opaque' ? [type.name] : [])))
    known.set(functions, names)
  }
  return names
}
