import { isValueStream } from '../models/value-stream.ts'

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
 * The JSON values of a stream, one a line. If the writer is in this process they are its own, and like everything that
 * informers hold, they may be read but not changed.
 */
export function jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<unknown> {
  return isValueStream(chunks) ? { [Symbol.asyncIterator]: () => chunks.jsonValues() } : parsedLines(chunks)
}

async function* parsedLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  for await (const line of lines(chunks)) yield JSON.parse(line)
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
