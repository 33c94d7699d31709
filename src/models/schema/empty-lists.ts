import { ObjectType, type Type } from './types.ts'

/** Makes lists that are null when they are empty null, in place. */
type Emptier = (value: unknown) => void

const emptiers = new WeakMap<ObjectType, Emptier | undefined>()

/**
 * Puts null where a type has no empty list but null, and an empty one is there: what a writer said of such a list has been
 * heard by then (see DecodeOptions.keepsEmptyLists), and is not kept. Changes `object`.
 */
export function emptyListsToNull(type: ObjectType, object: object): void {
  emptierOf(type)?.(object)
}

function emptierOf(type: Type): Emptier | undefined {
  if (type.form === 'list') return ofEach(emptierOf(type.of), value => (Array.isArray(value) ? value : []))
  if (type.form === 'map') return ofEach(emptierOf(type.of), value => Object.values((value as object | null) ?? {}))
  if (!(type instanceof ObjectType)) return undefined
  if (!emptiers.has(type)) {
    // Types may contain themselves: the first use compiles.
    let work: Emptier | undefined
    emptiers.set(
      type,
      hasNullable(type)
        ? value => {
            work ??= compile(type)
            work(value)
          }
        : undefined,
    )
  }
  return emptiers.get(type)
}

function ofEach(act: Emptier | undefined, partsOf: (value: unknown) => unknown[]): Emptier | undefined {
  return (
    act &&
    (value => {
      for (const part of partsOf(value)) act(part)
    })
  )
}

function compile(type: ObjectType): Emptier {
  const nullable: string[] = []
  const below: [name: string, act: Emptier][] = []
  for (const { name, type: of, nullable: isNullable } of type.fields.values()) {
    if (isNullable && of.form === 'list') nullable.push(name)
    const act = emptierOf(of)
    if (act) below.push([name, act])
  }
  return value => {
    if (typeof value !== 'object' || value === null) return
    const object = value as Record<string, unknown>
    for (const name of nullable) {
      const list = object[name]
      if (Array.isArray(list) && list.length === 0) object[name] = null
    }
    for (const [name, act] of below) if (object[name] !== undefined) act(object[name])
  }
}

/** Whether a type has such a list anywhere within. */
function hasNullable(type: ObjectType): boolean {
  const seen = new Set<ObjectType>([type])
  for (const { fields } of seen)
    for (const field of fields.values()) {
      if (field.nullable && field.type.form === 'list') return true
      const inner = objectWithin(field.type)
      if (inner) seen.add(inner)
    }
  return false
}

function objectWithin(type: Type): ObjectType | undefined {
  if (type instanceof ObjectType) return type
  return type.form === 'list' || type.form === 'map' ? objectWithin(type.of) : undefined
}
