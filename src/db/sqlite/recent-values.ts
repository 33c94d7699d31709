/** Bytes of the last whole values: those that differ from them are encoded without a look into the file. */
const ringBytes = 8 << 20
/** What is larger would drive out too many others. */
const largestBytes = ringBytes >> 4

/** A whole value and its position in the log. */
export interface WholeValue {
  position: number
  value: Uint8Array
}

interface Place {
  key: string
  position: number
  start: number
  length: number
}

/**
 * The last whole value of the keys that were written lately, in one ring of bytes: the oldest give way. Most writes are of
 * few keys (leases, statuses), again and again.
 */
export class RecentValues {
  #ring: Buffer | undefined
  #end = 0
  readonly #byKey = new Map<string, Place>()
  /** In the order of their place in the ring, from `#oldest` on. */
  #places: Place[] = []
  #oldest = 0

  /** The bytes are good until the next `set`. */
  get(key: string): WholeValue | undefined {
    const place = this.#byKey.get(key)
    if (!place) return undefined
    return { position: place.position, value: this.#ring!.subarray(place.start, place.start + place.length) }
  }

  set(key: string, position: number, value: Uint8Array): void {
    this.#byKey.delete(key)
    if (value.length > largestBytes) return
    this.#ring ??= Buffer.allocUnsafe(ringBytes)
    if (this.#end + value.length > ringBytes) {
      this.#giveWay(this.#end, ringBytes)
      this.#end = 0
    }
    this.#giveWay(this.#end, this.#end + value.length)
    this.#ring.set(value, this.#end)
    const place = { key, position, start: this.#end, length: value.length }
    this.#end += value.length
    this.#byKey.set(key, place)
    this.#places.push(place)
  }

  delete(key: string): void {
    this.#byKey.delete(key)
  }

  /** After a transaction that was rolled back. */
  clear(): void {
    this.#byKey.clear()
    this.#places = []
    this.#oldest = 0
    this.#end = 0
  }

  /** Forgets what lies between; that is always the oldest. */
  #giveWay(from: number, to: number): void {
    for (let place = this.#places[this.#oldest]; place; place = this.#places[this.#oldest]) {
      if (place.start >= to || place.start + place.length <= from) break
      if (this.#byKey.get(place.key) === place) this.#byKey.delete(place.key)
      this.#oldest++
    }
    if (this.#oldest < 4096 || this.#oldest * 2 < this.#places.length) return
    this.#places = this.#places.slice(this.#oldest)
    this.#oldest = 0
  }
}
