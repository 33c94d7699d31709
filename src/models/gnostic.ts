import { type WireWriter, wireTypes } from './protobuf/wire.ts'

// OpenAPI documents as protobuf, in the form of gnostic: a message for each object, a pair of name and value for each
// entry of a map, and what has no type of its own as YAML (JSON is YAML).

export type Json = Record<string, unknown>
export type Write = (writer: WireWriter, value: unknown) => void
/** A field of a message: its number and how its value is written. */
export type FieldRule = [id: number, write: Write]

const { bytes, varint, fixed64 } = wireTypes

export const text: Write = (w, value) => void w.string(String(value))
export const flag: Write = (w, value) => void w.varint(value ? 1 : 0)
export const integer: Write = (w, value) => void w.int64(Number(value))
export const double: Write = (w, value) => void w.double(Number(value))
/** Anything at all. */
export const any: Write = (w, value) => void w.message(m => m.tag(2, bytes).string(JSON.stringify(value)))

const wireOf = (write: Write) => (write === flag || write === integer ? varint : write === double ? fixed64 : bytes)

/** @param extensions the field of those entries whose names begin with `x-` */
export const message =
  (fields: Record<string, FieldRule>, extensions?: number): Write =>
  (w, value) =>
    void w.message(m => writeFields(m, value as Json, fields, extensions))

/** A message around one other, in field `id`. */
export const within =
  (id: number, write: Write): Write =>
  (w, value) =>
    void w.message(m => write(m.tag(id, wireOf(write)), value))

/** A map as repeated pairs of name and value, in field `id` of a message. */
export const named =
  (id: number, write: Write): Write =>
  (w, value) =>
    void w.message(m => {
      for (const [name, item] of Object.entries(value as Json)) writePair(m.tag(id, bytes), name, item, write)
    })

function writePair(w: WireWriter, name: string, value: unknown, write: Write): void {
  w.message(m => write(m.tag(1, bytes).string(name).tag(2, bytes), value))
}

/** Lists are repeated fields; entries without a rule are left out. */
export function writeFields(
  w: WireWriter,
  value: Json,
  fields: Record<string, FieldRule>,
  extensions: number | undefined,
): void {
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue
    const rule = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (rule) {
      const [id, write] = rule
      for (const one of Array.isArray(item) ? item : [item]) write(w.tag(id, wireOf(write)), one)
    } else if (extensions !== undefined && name.startsWith('x-')) writePair(w.tag(extensions, bytes), name, item, any)
  }
}

/** Names and the values that go with each: `{ BearerToken: [] }`. */
export const namedTexts =
  (id: number): Write =>
  (w, value) =>
    named(id, (m, list) => {
      m.message(inner => {
        for (const one of list as string[]) inner.tag(1, bytes).string(one)
      })
    })(w, value)
