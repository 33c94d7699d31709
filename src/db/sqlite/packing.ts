/** Moving a buffer to another thread costs more than copying fewer bytes than this. */
const worthMovingBytes = 32 << 10

/** Of these buffers those that are better moved to another thread than copied. */
export function movable(...arrays: (Uint8Array | Float64Array)[]): ArrayBuffer[] {
  return arrays.filter(a => a.byteLength >= worthMovingBytes).map(a => a.buffer as ArrayBuffer)
}

/** Collects numbers, keys and bytes of many values into few buffers that can be moved between threads. */
export class Packer {
  keys: string[] = []
  readonly #places = new Map<string, number>()
  #numbers = new Float64Array(256)
  #count = 0
  #parts: Uint8Array[] = []
  size = 0

  number(value: number): void {
    if (this.#count === this.#numbers.length) {
      const larger = new Float64Array(this.#numbers.length * 4)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.#count++] = value
  }

  /** A text that may come again in the same message: it travels once, and as a number wherever it stands. */
  text(text: string): void {
    let place = this.#places.get(text)
    if (place === undefined) {
      place = this.keys.push(text) - 1
      this.#places.set(text, place)
    }
    this.number(place)
  }

  /** Adds the bytes and, as a number, their length (-1: none). */
  value(bytes: Uint8Array | undefined | null): void {
    this.number(bytes ? bytes.length : -1)
    if (bytes) this.bytes(bytes)
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#parts.push(bytes)
    this.size += bytes.length
  }

  /** The numbers and bytes, each in a buffer of its own. The next message may be packed then. */
  finish(): { keys: string[]; numbers: Float64Array; bytes: Uint8Array; moved: ArrayBuffer[] } {
    const { keys } = this
    const numbers = this.#numbers.slice(0, this.#count)
    const bytes = new Uint8Array(new ArrayBuffer(this.size))
    let offset = 0
    for (const part of this.#parts) {
      bytes.set(part, offset)
      offset += part.length
    }
    this.clear()
    return { keys, numbers, bytes, moved: movable(numbers, bytes) }
  }

  /** Forgets what was packed so far. */
  clear(): void {
    this.keys = []
    this.#places.clear()
    this.#parts = []
    this.#count = 0
    this.size = 0
  }
}

/** Reads what a Packer packed, in the same order. The bytes are views into the one buffer. */
export class Unpacker {
  readonly #keys: string[]
  readonly #numbers: Float64Array
  readonly #bytes: Uint8Array
  #key = 0
  #number = 0
  #offset = 0

  constructor(packed: { keys: string[]; numbers: Float64Array; bytes: Uint8Array }) {
    this.#keys = packed.keys
    this.#numbers = packed.numbers
    this.#bytes = packed.bytes
  }

  key(): string {
    return this.#keys[this.#key++]!
  }

  text(): string {
    return this.#keys[this.number()]!
  }

  number(): number {
    return this.#numbers[this.#number++]!
  }

  value(): Uint8Array | undefined {
    const length = this.number()
    return length < 0 ? undefined : this.bytes(length)
  }

  bytes(length: number): Uint8Array {
    const start = this.#offset
    this.#offset += length
    return this.#bytes.subarray(start, this.#offset)
  }
}
