import { compareKeys } from './key.ts'

const chunkSize = 512

interface Chunk<V> {
  keys: string[]
  values: V[]
}

/** A map that can be read in order of key: short sorted arrays in a row, so that an insert moves at most a few hundred items. */
export class SortedMap<V> {
  #chunks: Chunk<V>[] = [{ keys: [], values: [] }]
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)]!
    const i = lowerBound(chunk.keys, key)
    return chunk.keys[i] === key ? chunk.values[i] : undefined
  }

  set(key: string, value: V): void {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at]!
    const i = lowerBound(chunk.keys, key)
    if (chunk.keys[i] === key) {
      chunk.values[i] = value
      return
    }
    chunk.keys.splice(i, 0, key)
    chunk.values.splice(i, 0, value)
    this.#size++
    if (chunk.keys.length > chunkSize) {
      const half = chunkSize >> 1
      this.#chunks.splice(at + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) })
    }
  }

  delete(key: string): boolean {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at]!
    const i = lowerBound(chunk.keys, key)
    if (chunk.keys[i] !== key) return false
    chunk.keys.splice(i, 1)
    chunk.values.splice(i, 1)
    this.#size--
    if (chunk.keys.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1)
    return true
  }

  /** Entries from `from` on (itself included), in order. Do not change the map meanwhile. */
  *from(from: string): Generator<[string, V]> {
    const first = this.#chunkOf(from)
    for (let c = first; c < this.#chunks.length; c++) {
      const { keys, values } = this.#chunks[c]!
      for (let i = c === first ? lowerBound(keys, from) : 0; i < keys.length; i++) yield [keys[i]!, values[i]!]
    }
  }

  /** The last chunk that starts at or before `key`; the first chunk if none does. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (compareKeys(this.#chunks[middle]!.keys[0]!, key) <= 0) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Index of the first key that is not before `key`. */
function lowerBound(keys: string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
