import type { ListType, ObjectType, Type } from '../schema/types.ts'
import type { FieldsV1 } from './field-set.ts'
import { granularOf, namedElements } from './typed-fields.ts'

/**
 * The fields below a value, or undefined where the value has one owner as a whole.
 * @param owned the value itself is owned too, not only what is below it
 */
type Writer = (value: any, owned: boolean) => FieldsV1 | undefined

/** Nothing below: most of the tree. One object for all, since it is only ever read. */
const leaf: FieldsV1 = Object.freeze({})

const compiled = new WeakMap<ObjectType, Writer>()

/**
 * What who creates an object owns: the same as comparing it with nothing, but written at once, without sets between. The
 * fields of a type are walked in the order in which the wire has them.
 * @param unowned elements of the object and of its metadata that are nobody's
 */
export function fieldsOfCreated(
  type: ObjectType,
  object: object,
  unowned: { own: ReadonlySet<string>; metadata: ReadonlySet<string> },
): FieldsV1 {
  const fields = writerOf(type)?.(object, false) ?? {}
  const out = without(fields, unowned.own)
  if (!out['f:metadata']) return out
  out['f:metadata'] = without(out['f:metadata'], unowned.metadata)
  if (Object.keys(out['f:metadata']).length === 0) delete out['f:metadata']
  return out
}

function without(fields: FieldsV1, elements: ReadonlySet<string>): FieldsV1 {
  const out: FieldsV1 = {}
  for (const element in fields) if (!elements.has(element)) out[element] = fields[element]!
  return out
}

function writerOf(type: Type | undefined): Writer | undefined {
  const g = granularOf(type)
  if (!g) return undefined
  if (g.form === 'object') return objectWriter(g.type)
  return g.form === 'list' ? listWriter(g.type) : mapWriter(g.type.of)
}

function objectWriter(type: ObjectType): Writer {
  let writer = compiled.get(type)
  if (!writer) {
    // Types may contain themselves: the first use compiles.
    let work: Writer | undefined
    writer = (value, owned) => {
      work ??= compileObject(type)
      return work(value, owned)
    }
    compiled.set(type, writer)
  }
  return writer
}

interface FieldWriter {
  name: string
  element: string
  write: Writer | undefined
  alwaysThere: boolean
  nullIsAbsent: boolean
}

function withUnlisted(fields: FieldWriter[], names: string[], write: Writer | undefined): FieldWriter[] {
  const more = names.map(name => ({ name, element: `f:${name}`, write, alwaysThere: false, nullIsAbsent: false }))
  return [...fields, ...more].sort((a, b) => (a.element < b.element ? -1 : 1))
}

function compileObject(type: ObjectType): Writer {
  const fields = [...type.fields.values()]
    .map(field => ({
      name: field.name,
      element: `f:${field.name}`,
      write: writerOf(field.type),
      // A part that is always there, if only empty, is not owned itself.
      alwaysThere: field.empty !== 'drop' || field.type.form === 'list',
      // An unset time: nobody's.
      nullIsAbsent: field.empty === 'fill',
    }))
    .sort((a, b) => (a.element < b.element ? -1 : 1))
  const listed = new Set(fields.map(f => f.name))
  const writeRest = writerOf(type.rest)
  return (value, owned) => {
    if (!isRecord(value)) return undefined
    const out = start(owned)
    const all = type.rest
      ? withUnlisted(
          fields,
          Object.keys(value).filter(k => !listed.has(k)),
          writeRest,
        )
      : fields
    for (const { name, element, write, alwaysThere, nullIsAbsent } of all) {
      const child = value[name]
      if (child === undefined || (child === null && nullIsAbsent) || !Object.hasOwn(value, name)) continue
      if (!write || child === null) out[element] = leaf
      else {
        const childOwned = !(alwaysThere && !isEmpty(child))
        put(out, element, write(child, childOwned), childOwned)
      }
    }
    return out
  }
}

function listWriter(type: ListType): Writer {
  const write = writerOf(type.of)
  return (value, owned) => {
    if (!Array.isArray(value)) return undefined
    const out = start(owned)
    const elements = namedElements(type, value)
    for (const element of elements.size > 1 ? [...elements.keys()].sort() : elements.keys())
      put(out, element, write?.(elements.get(element), true), true)
    return out
  }
}

function mapWriter(of: Type): Writer {
  // Of what no schema describes, each part is again such: only what is there is walked.
  let write: Writer | undefined
  let ready = false
  return (value, owned) => {
    if (!isRecord(value)) return undefined
    if (!ready) write = writerOf(of)
    ready = true
    const out = start(owned)
    for (const name of Object.keys(value).sort())
      if (value[name] !== undefined) put(out, `f:${name}`, write?.(value[name], true), true)
    return out
  }
}

const start = (owned: boolean): FieldsV1 => (owned ? { '.': leaf } : {})

/** @param below made with the same `owned`: it begins with '.' then */
function put(out: FieldsV1, element: string, below: FieldsV1 | undefined, owned: boolean): void {
  for (const name in below) {
    if (name === '.') continue
    out[element] = below
    return
  }
  if (owned) out[element] = leaf
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(value: unknown): boolean {
  return value === null || (isRecord(value) && Object.keys(value).length === 0)
}
