import type { ListType, ObjectType, Type } from '../schema/types.ts'
import { Shapes } from './shapes.ts'
import { Doubled, granularOf, isNothing, namedElements } from './typed-fields.ts'

/** The text of what is owned below a value, without its braces; '' where there is nothing, or the value has one owner as a whole. */
type Writer = (value: any) => string

/** Elements that are nobody's: of the object itself, and of its metadata. */
export interface Unowned {
  own: ReadonlySet<string>
  metadata: ReadonlySet<string>
}

/** Longer ones are of objects that are one of a kind. */
const maxKnownText = 16_384
const writers = new WeakMap<ObjectType, Writer>()
const creators = new WeakMap<Unowned, WeakMap<ObjectType, Creator>>()

interface Creator {
  write: Writer
  known: Shapes<string>
}

/**
 * What who creates an object owns, as the text of its fieldsV1: the same as comparing it with nothing, but written at once,
 * without sets or trees between. The fields of a type are walked in the order in which the wire has them.
 */
export function fieldsOfCreated(type: ObjectType, object: object, unowned: Unowned): string {
  const { write, known } = creatorOf(type, unowned)
  let text = known.find(object)
  if (text === undefined) {
    text = `{${write(object)}}`
    if (text.length <= maxKnownText) known.remember(object, text)
  }
  return text
}

function creatorOf(type: ObjectType, unowned: Unowned): Creator {
  let creatorsOfThese = creators.get(unowned)
  if (!creatorsOfThese) creators.set(unowned, (creatorsOfThese = new WeakMap()))
  let creator = creatorsOfThese.get(type)
  if (!creator) {
    creator = {
      write: compileObject(type, { present: true, skipped: unowned.own, root: unowned }),
      known: new Shapes(type),
    }
    creatorsOfThese.set(type, creator)
  }
  return creator
}

function writerOf(type: Type | undefined, present = false): Writer | undefined {
  const g = granularOf(type)
  if (!g) return undefined
  if (g.form === 'object') return present ? compileObject(g.type, { present }) : objectWriter(g.type)
  return g.form === 'list' ? listWriter(g.type) : mapWriter(g.type.of)
}

function objectWriter(type: ObjectType): Writer {
  let writer = writers.get(type)
  if (!writer) {
    // Types may contain themselves: the first use compiles.
    let work: Writer | undefined
    writer = value => {
      work ??= compileObject(type)
      return work(value)
    }
    writers.set(type, writer)
  }
  return writer
}

interface FieldWriter {
  name: string
  element: string
  /** `"f:name":{` */
  opening: string
  write: Writer | undefined
  neverOwned: boolean
  alwaysThere: boolean
  nullIsAbsent: boolean
  /** Null, and not empty, in an object that sets nothing. */
  nullable: boolean
}

/** Where an object stands. */
interface Standing {
  /** The object is there, if only empty, in one that sets nothing. */
  present?: boolean
  /** Elements that are left out. */
  skipped?: ReadonlySet<string>
  /** Given for the object itself: its metadata is nobody's as such, and some of it is left out too. */
  root?: Unowned
}

const nothingSkipped: ReadonlySet<string> = new Set()

const byElement = (a: { element: string }, b: { element: string }) => (a.element < b.element ? -1 : 1)

function compileObject(type: ObjectType, { present = false, skipped = nothingSkipped, root }: Standing = {}): Writer {
  const fields = [...type.fields.values()]
    .filter(({ name }) => !skipped.has(`f:${name}`))
    .map((field): FieldWriter => {
      const metadata = root && field.name === 'metadata' ? granularOf(field.type) : undefined
      // What is always there, if only empty, is not owned itself.
      const alwaysThere = present && field.empty === 'fill'
      return {
        ...named(field.name),
        write:
          metadata?.form === 'object'
            ? compileObject(metadata.type, { present, skipped: root!.metadata })
            : writerOf(field.type, alwaysThere),
        neverOwned: metadata !== undefined,
        alwaysThere,
        // An unset time of what is always there: nobody's.
        nullIsAbsent: alwaysThere,
        nullable: field.nullable,
      }
    })
    .sort(byElement)
  const listed = new Set(type.fields.keys())
  const writeRest = writerOf(type.rest)
  const unlisted = (value: object): FieldWriter[] =>
    Object.keys(value)
      .filter(name => !listed.has(name) && !skipped.has(`f:${name}`))
      .map(name => ({
        ...named(name),
        write: writeRest,
        neverOwned: false,
        alwaysThere: false,
        nullIsAbsent: false,
        nullable: false,
      }))
  return value => {
    if (!isRecord(value)) return ''
    let out = ''
    const all = type.rest ? [...fields, ...unlisted(value)].sort(byElement) : fields
    for (const { name, opening, write, neverOwned, alwaysThere, nullIsAbsent, nullable } of all) {
      const child = value[name]
      if (child === undefined || (child === null && nullIsAbsent) || !Object.hasOwn(value, name)) continue
      const below = write && child !== null ? write(child) : ''
      const owned =
        !neverOwned && !(alwaysThere && (nullable ? isLeftToParts(child, write) : write || isNothing(child)))
      if (below || owned) out += entry(out, opening, below, owned)
    }
    return out
  }
}

/** Null says nothing, and an empty list says it. */
const isLeftToParts = (list: unknown, write: Writer | undefined): boolean =>
  list === null || (write !== undefined && !isNothing(list))

function named(name: string): Pick<FieldWriter, 'name' | 'element' | 'opening'> {
  const element = `f:${name}`
  return { name, element, opening: `${JSON.stringify(element)}:{` }
}

function listWriter(type: ListType): Writer {
  const write = writerOf(type.of)
  const fieldsOf = (item: unknown) => (write && !(item instanceof Doubled) ? write(item) : '')
  return value => {
    if (!Array.isArray(value)) return ''
    const elements = namedElements(type, value)
    let out = ''
    for (const element of elements.size > 1 ? [...elements.keys()].sort() : elements.keys())
      out += entry(out, `${JSON.stringify(element)}:{`, fieldsOf(elements.get(element)), true)
    return out
  }
}

function mapWriter(of: Type): Writer {
  // Of what no schema describes, each part is again such: only what is there is walked.
  let write: Writer | undefined
  let ready = false
  return value => {
    if (!isRecord(value)) return ''
    if (!ready) write = writerOf(of)
    ready = true
    let out = ''
    for (const name of Object.keys(value).sort())
      if (value[name] !== undefined)
        out += entry(out, `${JSON.stringify(`f:${name}`)}:{`, write?.(value[name]) ?? '', true)
    return out
  }
}

/** One element after those in `before`. What is owned itself, and not only in parts, says so with a dot. */
function entry(before: string, opening: string, below: string, owned: boolean): string {
  const comma = before === '' ? '' : ','
  return `${comma}${opening}${owned && below !== '' ? '".":{},' : ''}${below}}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
