const firstSlots = 1_024

/** Numbers by numbers, for keys that are well mixed already: nothing is allocated for an entry. No key may be NaN. */
export class NumberTable {
  #keys = new Float64Array(firstSlots).fill(Number.NaN)
  #values = new Float64Array(firstSlots)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: number): number | undefined {
    const slot = this.#slotOf(key)
    return this.#keys[slot] === key ? this.#values[slot] : undefined
  }

  set(key: number, value: number): void {
    const slot = this.#slotOf(key)
    const known = this.#keys[slot] === key
    this.#keys[slot] = key
    this.#values[slot] = value
    if (!known && ++this.#size * 2 > this.#keys.length) this.#grow()
  }

  /** Where the key is, or would be. */
  #slotOf(key: number): number {
    const keys = this.#keys
    const mask = keys.length - 1
    let slot = (key ^ (key / 2 ** 32)) & mask
    for (let at = keys[slot]!; at !== key && !Number.isNaN(at); at = keys[slot]!) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const keys = this.#keys
    const values = this.#values
    this.#keys = new Float64Array(2 * keys.length).fill(Number.NaN)
    this.#values = new Float64Array(2 * keys.length)
    for (const [i, key] of keys.entries()) {
      if (Number.isNaN(key)) continue
      const slot = this.#slotOf(key)
      this.#keys[slot] = key
      this.#values[slot] = values[i]!
    }
  }
}
