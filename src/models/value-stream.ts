/**
 * A stream of lines of JSON whose writer is in the same process. Who asks for the values gets the very ones that the writer
 * has, the same for all who ask, to be read and not changed; lines that nobody reads are not written.
 */
export interface ValueStream extends AsyncIterable<Uint8Array> {
  /** Instead of the lines. */
  jsonValues(): AsyncIterator<unknown, undefined>
}

export function isValueStream(body: AsyncIterable<Uint8Array>): body is ValueStream {
  return !(body instanceof Uint8Array) && 'jsonValues' in body
}
