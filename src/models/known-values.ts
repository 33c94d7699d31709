const readers = new WeakMap<Uint8Array, () => unknown>()

/**
 * Notes what a chunk of JSON stands for, for readers in the same process: they get the very value instead of parsing the
 * bytes once more. Whoever gets it may read it, and change nothing of it.
 * @param read asked at most when somebody wants it; undefined: the bytes must be parsed after all
 */
export function noteValue(chunk: Uint8Array, read: () => unknown): void {
  readers.set(chunk, read)
}

/** The value of a chunk, if its writer is in this process and has it at hand. Equal for all who ask. */
export function knownValue(chunk: Uint8Array): unknown {
  return readers.get(chunk)?.()
}
