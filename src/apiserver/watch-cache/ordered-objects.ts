import type { KeptObject } from './kept-object.ts'

/**
 * Objects by name, readable in order. Writes only touch a hash map; the order is made up when somebody lists, by
 * merging what came since into what was sorted before.
 */
export class OrderedObjects {
  readonly #byName = new Map<string, KeptObject>()
  #sorted: string[] = []
  #added: string[] = []
  #removed = 0
  /** All of them in order, for as long as nothing changes. */
  #collected: KeptObject[] | undefined

  get size(): number {
    return this.#byName.size
  }

  get(name: string): KeptObject | undefined {
    return this.#byName.get(name)
  }

  set(name: string, object: KeptObject): KeptObject | undefined {
    const before = this.#byName.get(name)
    this.#byName.set(name, object)
    this.#collected = undefined
    if (!before) this.#added.push(name)
    return before
  }

  delete(name: string): KeptObject | undefined {
    const before = this.#byName.get(name)
    if (before) {
      this.#byName.delete(name)
      this.#removed++
      this.#collected = undefined
    }
    return before
  }

  /** In order of name. */
  all(): readonly KeptObject[] {
    this.#collected ??= this.#order().map(name => this.#byName.get(name)!)
    return this.#collected
  }

  #order(): string[] {
    if (this.#added.length === 0 && this.#removed === 0) return this.#sorted
    // A name that went and came again is both in `sorted` and in `added`.
    const added = [...new Set(this.#added)].filter(name => this.#byName.has(name)).sort(byCodeUnits)
    const merged: string[] = []
    let a = 0
    for (const name of this.#sorted) {
      while (a < added.length && added[a]! < name) merged.push(added[a++]!)
      if (added[a] === name) a++
      if (this.#byName.has(name)) merged.push(name)
    }
    while (a < added.length) merged.push(added[a++]!)
    this.#sorted = merged
    this.#added = []
    this.#removed = 0
    return merged
  }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
