/** One line of a watch: the bytes for the network, the value for readers in this process. */
export interface Frame {
  /** The line, its end included. Made when it is first asked for. */
  readonly bytes: Uint8Array
  /** About as long as the line. */
  readonly size: number
  /** What the line says: to be read, not changed. */
  value(): unknown
}

/** A frame whose line is there. */
export class LineFrame implements Frame {
  readonly bytes: Uint8Array
  #value: unknown

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get size(): number {
    return this.bytes.length
  }

  value(): unknown {
    this.#value ??= JSON.parse(Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength).toString())
    return this.#value
  }
}

/** A frame of an object that is kept. */
export class ObjectFrame implements Frame {
  readonly size: number
  readonly #write: () => Uint8Array
  readonly #read: () => unknown
  #line: LineFrame | undefined

  /**
   * @param size about
   * @param read the value as it is at hand; undefined: the line must be parsed after all
   */
  constructor(size: number, write: () => Uint8Array, read: () => unknown) {
    this.size = size
    this.#write = write
    this.#read = read
  }

  get bytes(): Uint8Array {
    return this.#written.bytes
  }

  value(): unknown {
    return this.#read() ?? this.#written.value()
  }

  get #written(): LineFrame {
    this.#line ??= new LineFrame(this.#write())
    return this.#line
  }
}
