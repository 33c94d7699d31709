import { StoreFailed } from '../store.ts'

/** The file is no backup of ours, of another version, or not as it was written. Nothing was restored. */
export class BadBackup extends StoreFailed {}

/** Reads a stream piece by piece. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** @throws BadBackup at an early end */
  async exactly(length: number): Promise<Buffer> {
    while (this.#rest.length < length)
      if (!(await this.#more())) throw new BadBackup('the backup ends too early', { hint: 'Use another copy of it.' })
    return this.#take(length)
  }

  /** @throws BadBackup without a line end within `longest` bytes */
  async line(longest: number): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(10)
      if (end >= 0 && end <= longest) return this.#take(end + 1).toString('utf8', 0, end)
      if (this.#rest.length > longest || !(await this.#more()))
        throw new BadBackup('this file is no backup', { hint: 'Name a file that "optiflow backup" wrote.' })
    }
  }

  /** Whatever is there by now; at least a byte unless at the end. */
  async rest(): Promise<Buffer> {
    return (await this.atEnd()) ? Buffer.alloc(0) : this.#take(this.#rest.length)
  }

  async atEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more())
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next()
    if (next.done) return false
    this.#rest = Buffer.concat([this.#rest, next.value])
    return next.value.length > 0 || this.#more()
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }
}

/** Four bytes, the largest first. */
export function u32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}
