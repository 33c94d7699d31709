/** A text that grows by small pieces, as the bytes of its UTF-8: a JavaScript string of as many pieces is a burden to the garbage collector. */
export class TextBuffer {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 4096) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.#length
  }

  write(text: string): void {
    const count = text.length
    if (this.#length + count * 3 > this.#bytes.length) this.#grow(count * 3)
    const bytes = this.#bytes
    let at = this.#length
    for (let i = 0; i < count; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) {
        at += bytes.write(text.slice(i), at)
        break
      }
      bytes[at++] = code
    }
    this.#length = at
  }

  /** The bytes so far; they are given away. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #grow(by: number): void {
    const next = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + by))
    this.#bytes.copy(next, 0, 0, this.#length)
    this.#bytes = next
  }
}
