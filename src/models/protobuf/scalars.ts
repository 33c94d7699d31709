import type { ScalarName } from '../schema/data.ts'
import { ProtobufError, type WireReader, type WireWriter, wireTypes } from './wire.ts'

/** How one scalar of the schema travels: read to, and written from, its JSON form. */
export interface ScalarCodec {
  wire: number
  /** undefined where the wire form stands for no value. */
  read(reader: WireReader): unknown
  write(writer: WireWriter, value: any): void
}

const { varint, fixed64, bytes } = wireTypes

/** Reads a message of scalar fields only; `fields[n]` reads number n. */
function readFields(reader: WireReader, fields: Record<number, (reader: WireReader) => void>): boolean {
  const message = reader.message()
  const empty = message.done
  while (!message.done) {
    const { id, wire } = message.tag()
    const read = Object.hasOwn(fields, id) ? fields[id] : undefined
    if (read) read(message)
    else message.skip(wire)
  }
  return !empty
}

function readInstant(reader: WireReader): { seconds: number; nanos: number } | undefined {
  let seconds = 0
  let nanos = 0
  const there = readFields(reader, {
    1: r => (seconds = Number(r.int64())),
    2: r => (nanos = r.int32()),
  })
  if (Math.abs(seconds) > 253_402_300_799) throw new ProtobufError(`${seconds} seconds are no time of this calendar`)
  return there ? { seconds, nanos } : undefined
}

function writeInstant(writer: WireWriter, text: string, nanos: number): void {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new ProtobufError(`${JSON.stringify(text)} is no time`)
  writer.message(w =>
    w
      .tag(1, varint)
      .int64(Math.floor(ms / 1000))
      .tag(2, varint)
      .varint(nanos),
  )
}

/** @see RFC 4648; atob and btoa are everywhere, Buffer is not. */
export function base64Of(data: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < data.length; i += 8192) binary += String.fromCharCode(...data.subarray(i, i + 8192))
  return btoa(binary)
}

export function bytesOfBase64(text: string): Uint8Array {
  const binary = atob(text)
  const data = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) data[i] = binary.charCodeAt(i)
  return data
}

const text: ScalarCodec = { wire: bytes, read: r => r.string(), write: (w, v: string) => w.string(v) }

/** The scalars without the forms that contain other types (any, and the schema forms). */
export const scalarCodecs: Partial<Record<ScalarName, ScalarCodec>> = {
  string: text,
  bool: { wire: varint, read: r => r.varint() !== 0, write: (w, v: boolean) => w.varint(v ? 1 : 0) },
  int32: { wire: varint, read: r => r.int32(), write: (w, v: number) => w.int64(v) },
  int64: { wire: varint, read: r => r.int64(), write: (w, v: number | bigint) => w.int64(v) },
  double: { wire: fixed64, read: r => r.double(), write: (w, v: number) => w.double(v) },
  bytes: { wire: bytes, read: r => base64Of(r.bytes()), write: (w, v: string) => w.bytes(bytesOfBase64(v)) },
  quantity: {
    wire: bytes,
    read(reader) {
      let value = '0'
      readFields(reader, { 1: r => (value = r.string()) })
      return value === '' ? '0' : value
    },
    write: (w, v: string) => w.message(m => m.tag(1, bytes).string(v)),
  },
  intOrString: {
    wire: bytes,
    read(reader) {
      let isText = false
      let number = 0
      let string = ''
      readFields(reader, {
        1: r => (isText = r.varint() === 1),
        2: r => (number = r.int32()),
        3: r => (string = r.string()),
      })
      return isText ? string : number
    },
    write(writer, value: number | string) {
      const isText = typeof value === 'string'
      writer.message(w => {
        w.tag(1, varint).varint(isText ? 1 : 0)
        w.tag(2, varint).int64(isText ? 0 : value)
        w.tag(3, bytes).string(isText ? value : '')
      })
    },
  },
  time: {
    wire: bytes,
    read(reader) {
      const instant = readInstant(reader)
      return instant && `${new Date(instant.seconds * 1000).toISOString().slice(0, 19)}Z`
    },
    write: (w, v: string) => writeInstant(w, v, 0),
  },
  microTime: {
    wire: bytes,
    read(reader) {
      const instant = readInstant(reader)
      if (!instant) return undefined
      const micros = Math.trunc(instant.nanos / 1000)
      return `${new Date(instant.seconds * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`
    },
    write(writer, value: string) {
      const fraction = /\.(\d+)/.exec(value)?.[1] ?? ''
      writeInstant(writer, value, Number(fraction.padEnd(9, '0').slice(0, 6)) * 1000)
    },
  },
}
