/**
 * Values by key, of which only those put in last are kept. To forget the oldest takes no longer the more were forgotten: a
 * map that is asked for its first key anew each time walks over all that were deleted before it.
 */
export class Newest<K, V> {
  readonly #most: number
  readonly #values = new Map<K, V>()
  /** Stands before the oldest: all that it has passed is gone, or was put in anew behind it. */
  #oldest = this.#values.keys()

  /** @param most how many are kept, at least 1 */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#values.size
  }

  get(key: K): V | undefined {
    return this.#values.get(key)
  }

  /** It is the newest from now on. */
  set(key: K, value: V): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#most) return
    let next = this.#oldest.next()
    if (next.done) {
      this.#oldest = this.#values.keys()
      next = this.#oldest.next()
    }
    if (!next.done) this.#values.delete(next.value)
  }

  delete(key: K): void {
    this.#values.delete(key)
  }
}
