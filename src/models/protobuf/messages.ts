import { encodeJson } from '../encode-json.ts'
import { maxDepth, parseJson } from '../json.ts'
import { put } from '../own-property.ts'
import { type ObjectType, type Type, typeNamed } from '../schema/types.ts'
import messageTable from './messages.data.json' with { type: 'json' }
import { type ScalarCodec, scalarCodecs } from './scalars.ts'
import { ProtobufError, type WireReader, type WireWriter, wireTypes } from './wire.ts'

type Members = Record<string, unknown>
type Numbers = Record<string, number | [id: number, inline: string]>

const { bytes, varint } = wireTypes
const table = messageTable as unknown as Record<string, Numbers>

/** Reads and writes the JSON form of one object type. */
export interface MessageCodec {
  read(reader: WireReader, out: Members, depth: number): void
  write(writer: WireWriter, object: Members): void
}

/** One field: how its values go into, and come out of, the object. */
interface FieldCodec {
  id: number
  read(reader: WireReader, out: Members, wire: number, depth: number): void
  /** Writes nothing if the object does not have it. */
  write(writer: WireWriter, object: Members): void
}

const codecs = new Map<string, MessageCodec>()

/** True if the type has a protobuf form. Custom resources and kinds of our own have none. */
export const hasMessage = (type: string): boolean => Object.hasOwn(table, type)

/** The codec of an object type, compiled on first use. @throws ProtobufError if the type has no protobuf form */
export function messageCodec(name: string): MessageCodec {
  let codec = codecs.get(name)
  if (!codec) {
    if (!hasMessage(name)) throw new ProtobufError(`${name} has no protobuf form`)
    codec = lazily(() => compile(fieldCodecs(typeNamed(name), table[name]!)))
    codecs.set(name, codec)
  }
  return codec
}

/** Types may contain themselves: the first use compiles. */
function lazily(make: () => MessageCodec): MessageCodec {
  let made: MessageCodec | undefined
  return {
    read: (reader, out, depth) => (made ??= make()).read(reader, out, depth),
    write: (writer, object) => (made ??= make()).write(writer, object),
  }
}

function compile(fields: FieldCodec[]): MessageCodec {
  const byId = new Map(fields.map(field => [field.id, field]))
  return {
    read(reader, out, depth) {
      if (depth > maxDepth) throw new ProtobufError(`the message is nested more than ${maxDepth} levels deep`)
      while (!reader.done) {
        const { id, wire } = reader.tag()
        const field = byId.get(id)
        if (field) field.read(reader, out, wire, depth)
        else reader.skip(wire)
      }
    },
    write(writer, object) {
      for (const field of fields) field.write(writer, object)
    },
  }
}

/** Lists that Kubernetes gives a type of their own, and so a message, as those within maps have. */
const namedLists = new Set(['meta/v1.APIResource.verbs'])

function fieldCodecs(type: ObjectType, numbers: Numbers): FieldCodec[] {
  const made = Object.entries(numbers).map(([name, number]): FieldCodec => {
    if (typeof number !== 'number') return inlineField(...number)
    const field = type.fields.get(name)
    if (!field) throw new ProtobufError(`${type.name} has no field ${name}; messages.data.json is not of these schemas`)
    return fieldCodec(name, number, field.type, namedLists.has(`${type.name}.${name}`))
  })
  return made.sort((a, b) => a.id - b.id)
}

/** A message whose fields stand beside those of the message around it. */
function inlineField(id: number, name: string): FieldCodec {
  const codec = messageCodec(name)
  return {
    id,
    read: (reader, out, _wire, depth) => codec.read(reader.message(), out, depth + 1),
    write: (writer, object) => void writer.messageUnlessEmpty(id, w => codec.write(w, object)),
  }
}

function fieldCodec(name: string, id: number, type: Type, named: boolean): FieldCodec {
  if (type.form === 'map') return mapField(name, id, type.of)
  if (type.form === 'list' && !named) return listField(name, id, type.of)
  const value = type.form === 'list' ? wrapped(type.of) : valueCodec(type)
  return {
    id,
    read(reader, out, wire, depth) {
      if (wire !== value.wire) throw wrongWire(name, wire)
      const read = value.read(reader, depth)
      if (read !== undefined) out[name] = read
    },
    write(writer, object) {
      const given = object[name]
      if (given === undefined || given === null) return
      writer.tag(id, value.wire)
      value.write(writer, given)
    },
  }
}

const wrongWire = (name: string, wire: number) => new ProtobufError(`the field ${name} has the wrong wire type ${wire}`)

function listField(name: string, id: number, type: Type): FieldCodec {
  const value = valueCodec(type)
  return {
    id,
    read(reader, out, wire, depth) {
      const list = (out[name] ??= []) as unknown[]
      if (wire === value.wire) list.push(value.read(reader, depth) ?? null)
      else if (wire === bytes)
        for (const packed = reader.message(); !packed.done; ) list.push(value.read(packed, depth))
      else throw wrongWire(name, wire)
    },
    write(writer, object) {
      const list = object[name]
      if (!Array.isArray(list)) return
      for (const item of list) {
        writer.tag(id, value.wire)
        value.write(writer, item)
      }
    },
  }
}

/** A map travels as a list of messages of a key and a value; lists within maps are wrapped in a message of their own. */
function mapField(name: string, id: number, type: Type): FieldCodec {
  const value = type.form === 'list' ? wrapped(type.of) : valueCodec(type)
  return {
    id,
    read(reader, out, wire, depth) {
      if (wire !== bytes) throw wrongWire(name, wire)
      const entry = reader.message()
      const map = (out[name] ??= {}) as Members
      let key = ''
      let item: unknown
      while (!entry.done) {
        const tag = entry.tag()
        if (tag.id === 1 && tag.wire === bytes) key = entry.string()
        else if (tag.id === 2 && tag.wire === value.wire) item = value.read(entry, depth)
        else entry.skip(tag.wire)
      }
      put(map, key, item ?? null)
    },
    write(writer, object) {
      const map = object[name]
      if (typeof map !== 'object' || map === null) return
      for (const key of Object.keys(map).sort()) {
        writer.tag(id, bytes).message(w => {
          const item = (map as Members)[key]
          w.tag(1, bytes).string(key).tag(2, value.wire)
          if (item === null) w.varint(0)
          else value.write(w, item)
        })
      }
    },
  }
}

interface ValueCodec {
  wire: number
  read(reader: WireReader, depth: number): unknown
  write(writer: WireWriter, value: any): void
}

function wrapped(of: Type): ValueCodec {
  const items = listField('items', 1, of)
  return messageValue(
    compile([items]),
    out => out['items'] ?? [],
    value => ({ items: value }),
  )
}

function messageValue(
  codec: MessageCodec,
  toJson: (out: Members) => unknown,
  fromJson: (value: any) => Members,
): ValueCodec {
  return {
    wire: bytes,
    read(reader, depth) {
      const out: Members = {}
      codec.read(reader.message(), out, depth + 1)
      return toJson(out)
    },
    write: (writer, value) => writer.message(w => codec.write(w, fromJson(value))),
  }
}

const same = (value: any) => value

function valueCodec(type: Type): ValueCodec {
  if (type.form === 'object') return messageValue(messageCodec(type.name), same, same)
  if (type.form !== 'scalar') throw new ProtobufError('lists of lists and of maps have no protobuf form')
  const scalar: ScalarCodec | undefined = scalarCodecs[type.scalar]
  if (scalar) return scalar
  switch (type.scalar) {
    case 'any':
      return rawJson
    case 'schemaOrBool':
      return schemaOr('bool')
    case 'schemaOrSchemas':
      return schemaOr('list')
    case 'schemaOrStrings':
      return schemaOr('strings')
    default:
      throw new ProtobufError(`${type.scalar} has no protobuf form`)
  }
}

const envelope = [0x6b, 0x38, 0x73, 0x00]

/** True for bytes that begin as Kubernetes' protobuf envelopes do. */
export const hasMagic = (data: Uint8Array): boolean => envelope.every((byte, i) => data[i] === byte)

/** Opens an envelope within a raw field; set by the module that knows envelopes, which needs this one. */
let openNested: ((data: Uint8Array) => unknown) | undefined
export function setNestedEnvelopes(open: (data: Uint8Array) => unknown): void {
  openNested = open
}

/** RawExtension, FieldsV1 and JSON: a message of one field, the bytes of a JSON text (or an envelope within the envelope). */
const rawJson: ValueCodec = {
  wire: bytes,
  read(reader) {
    const message = reader.message()
    let value: unknown
    while (!message.done) {
      const { id, wire } = message.tag()
      if (id !== 1 || wire !== bytes) message.skip(wire)
      else {
        const data = message.bytes()
        if (data.length > 0)
          value = hasMagic(data) && openNested ? openNested(data) : parseJson(data, { exactIntegers: true }).value
      }
    }
    return value
  },
  write: (writer, value) => writer.message(w => w.tag(1, bytes).string(encodeJson(value))),
}

/** The forms in CustomResourceDefinition schemas where a schema or something simpler may stand. */
function schemaOr(other: 'bool' | 'list' | 'strings'): ValueCodec {
  const schema = valueCodec(typeNamed('apiextensions/v1.JSONSchemaProps'))
  return {
    wire: bytes,
    read(reader, depth) {
      const message = reader.message()
      let allows = false
      let one: unknown
      const many: unknown[] = []
      while (!message.done) {
        const { id, wire } = message.tag()
        if (id === (other === 'bool' ? 2 : 1) && wire === bytes) one = schema.read(message, depth + 1)
        else if (id === 1 && wire === varint) allows = message.varint() !== 0
        else if (id === 2 && wire === bytes)
          many.push(other === 'list' ? schema.read(message, depth + 1) : message.string())
        else message.skip(wire)
      }
      return one ?? (other === 'bool' ? allows : many)
    },
    write(writer, value) {
      writer.message(w => {
        if (typeof value === 'boolean') w.tag(1, varint).varint(value ? 1 : 0)
        else if (Array.isArray(value))
          for (const item of value) {
            w.tag(2, bytes)
            if (other === 'strings') w.string(item)
            else schema.write(w, item)
          }
        else {
          if (other === 'bool') w.tag(1, varint).varint(1)
          w.tag(other === 'bool' ? 2 : 1, bytes)
          schema.write(w, value)
        }
      })
    },
  }
}
