import { knownValue, noteValue } from '../models/known-values.ts'

/**
 * Complete lines of a stream of UTF-8 chunks, in order; empty ones and an unfinished last one are left out.
 * A line that spans many chunks is joined once, so a huge object costs its own length and no more.
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const cutter = new LineCutter()
  for await (const chunk of chunks)
    for (const bytes of cutter.cut(chunk)) {
      const line = text(bytes)
      if (line.trim()) yield line
    }
}

/**
 * The JSON values of a stream, one a line. A chunk that is exactly one line is parsed once however many streams of this
 * process it comes from, or not at all if its writer knows the value: all get the same one, and like everything that
 * informers hold, it may be read but not changed.
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const cutter = new LineCutter()
  for await (const chunk of chunks)
    for (const bytes of cutter.cut(chunk)) {
      const known = knownValue(bytes)
      if (known !== undefined) {
        yield known
        continue
      }
      const line = text(bytes)
      if (!line.trim()) continue
      const value: unknown = JSON.parse(line)
      if (bytes === chunk && typeof value === 'object' && value) noteValue(chunk, () => value)
      yield value
    }
}

/** Cuts chunks at line ends. */
class LineCutter {
  #parts: Uint8Array[] = []

  /** The lines that end in this chunk; it itself, line end included, when it is exactly one. */
  cut(chunk: Uint8Array): Uint8Array[] {
    let end = chunk.indexOf(10)
    if (!this.#parts.length && end >= 0 && end === chunk.length - 1) return [chunk]
    const out: Uint8Array[] = []
    let start = 0
    for (; end >= 0; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end)
      start = end + 1
      out.push(this.#parts.length ? Buffer.concat([...this.#parts, piece]) : piece)
      this.#parts = []
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start))
    return out
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
