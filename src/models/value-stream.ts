/**
 * A stream of lines of JSON whose writer is in the same process. Who asks for the values gets the very ones that the writer
 * has, the same for all who ask, to be read and not changed; lines that nobody reads are not written.
 */
export interface ValueStream extends AsyncIterable<Uint8Array> {
  /** Instead of the lines. */
  jsonValues(): ReadyIterator<unknown>
}

/** An iterator that may have the next value at hand: who asks for that waits for no promise. */
export interface ReadyIterator<T> extends AsyncIterator<T, undefined> {
  /** The next value if it is there already. Not while a promise of `next` is open. */
  ready?(): IteratorYieldResult<T> | undefined
}

export function isValueStream(body: AsyncIterable<Uint8Array>): body is ValueStream {
  return !(body instanceof Uint8Array) && 'jsonValues' in body
}
