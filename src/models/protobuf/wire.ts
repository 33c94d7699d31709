import { OptiFlowError } from '../../base/errors.ts'

/** Bytes that are no protobuf message of the expected type. */
export class ProtobufError extends OptiFlowError {}

/** How a field's value is laid out. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

const utf8 = new TextDecoder()
const encoder = new TextEncoder()

/** Reads one message, or a part of one. Everything is checked against the end: the bytes come from outside. */
export class WireReader {
  readonly #bytes: Uint8Array
  #at: number
  readonly #end: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** Field number and wire type of what follows. */
  tag(): { id: number; wire: number } {
    const tag = this.varint()
    const id = Math.floor(tag / 8)
    if (id === 0) throw new ProtobufError('a field has the number 0')
    return { id, wire: tag % 8 }
  }

  /** An unsigned varint as a number; beyond 2^53 inexact. For lengths, tags, small numbers and booleans. */
  varint(): number {
    const { low, high } = this.#varint64()
    return high * 2 ** 32 + low
  }

  int32(): number {
    return this.#varint64().low | 0
  }

  /** A signed 64-bit integer: a number where that is exact, else a bigint. */
  int64(): number | bigint {
    const { low, high } = this.#varint64()
    const signed = (high | 0) * 2 ** 32 + low
    return Number.isSafeInteger(signed) ? signed : (BigInt(high | 0) << 32n) | BigInt(low)
  }

  #varint64(): { low: number; high: number } {
    let low = 0
    let high = 0
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw new ProtobufError('the message ends within a number')
      const byte = this.#bytes[this.#at++]!
      const bits = byte & 0x7f
      if (i < 4) low |= bits << (7 * i)
      else if (i === 4) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (7 * i - 32)
      if (byte < 0x80) return { low: low >>> 0, high: high >>> 0 }
    }
    throw new ProtobufError('a number is longer than ten bytes')
  }

  double(): number {
    const at = this.#take(8)
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true)
  }

  /** A length-delimited value, as a view of the input. */
  bytes(): Uint8Array {
    const length = this.varint()
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** A reader of the nested message that follows. */
  message(): WireReader {
    const length = this.varint()
    const at = this.#take(length)
    return new WireReader(this.#bytes, at, at + length)
  }

  string(): string {
    const length = this.varint()
    const at = this.#take(length)
    if (length < 32) {
      let text = ''
      for (let i = at; i < at + length; i++) {
        const code = this.#bytes[i]!
        if (code > 0x7f) return utf8.decode(this.#bytes.subarray(at, at + length))
        text += String.fromCharCode(code)
      }
      return text
    }
    return utf8.decode(this.#bytes.subarray(at, at + length))
  }

  skip(wire: number): void {
    if (wire === wireTypes.varint) this.#varint64()
    else if (wire === wireTypes.bytes) this.#take(this.varint())
    else if (wire === wireTypes.fixed64) this.#take(8)
    else if (wire === wireTypes.fixed32) this.#take(4)
    else throw new ProtobufError(`a field has the unknown wire type ${wire}`)
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#end - at) throw new ProtobufError('the message ends within a field')
    this.#at = at + length
    return at
  }
}

/** Writes one message. */
export class WireWriter {
  #bytes: Uint8Array
  #at = 0

  /** @param size bytes that will likely be needed */
  constructor(size = 256) {
    this.#bytes = new Uint8Array(size)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  tag(id: number, wire: number): this {
    return this.varint(id * 8 + wire)
  }

  /** @param value an integer of at least 0 */
  varint(value: number): this {
    this.#grow(10)
    while (value > 0x7f) {
      this.#bytes[this.#at++] = (value % 128) | 0x80
      value = Math.floor(value / 128)
    }
    this.#bytes[this.#at++] = value
    return this
  }

  /** A signed 64-bit integer. */
  int64(value: number | bigint): this {
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return this.varint(value)
    this.#grow(10)
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest > 0x7fn) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#at++] = Number(rest)
    return this
  }

  double(value: number): this {
    this.#grow(8)
    new DataView(this.#bytes.buffer).setFloat64(this.#at, value, true)
    this.#at += 8
    return this
  }

  string(value: string): this {
    // Most texts are short and plain; the encoder's call costs more than they do.
    const length = value.length
    if (length > 127) return this.bytes(encoder.encode(value))
    this.#grow(length + 1)
    this.#bytes[this.#at] = length
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return this.bytes(encoder.encode(value))
      this.#bytes[this.#at + 1 + i] = code
    }
    this.#at += length + 1
    return this
  }

  bytes(value: Uint8Array): this {
    this.varint(value.length)
    this.raw(value)
    return this
  }

  raw(value: Uint8Array): this {
    this.#grow(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** A nested message, written in place by `write` and then given its length. */
  message(write: (writer: this) => void): this {
    const start = this.#at
    write(this)
    const length = this.#at - start
    const prefix = varintLength(length)
    this.#grow(prefix)
    this.#bytes.copyWithin(start + prefix, start, start + length)
    this.#at = start
    this.varint(length)
    this.#at = start + prefix + length
    return this
  }

  /** The field with a nested message, or nothing at all if `write` writes nothing. */
  messageUnlessEmpty(id: number, write: (writer: this) => void): this {
    const before = this.#at
    this.tag(id, wireTypes.bytes)
    const start = this.#at
    this.message(write)
    // One byte, the length 0: nothing was written.
    if (this.#at === start + 1) this.#at = before
    return this
  }

  #grow(more: number): void {
    const need = this.#at + more
    if (need <= this.#bytes.length) return
    const bytes = new Uint8Array(Math.max(need, this.#bytes.length * 2))
    bytes.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = bytes
  }
}

function varintLength(value: number): number {
  let length = 1
  for (; value > 0x7f; value = Math.floor(value / 128)) length++
  return length
}
