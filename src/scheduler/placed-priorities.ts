/** How important the pods are that have a node. */
export class PlacedPriorities {
  readonly #pods = new Map<number, number>()
  /** Undefined: to be looked for. */
  #lowest: number | undefined

  /** @param by how many more pods have this priority */
  add(priority: number, by: number): void {
    const pods = (this.#pods.get(priority) ?? 0) + by
    if (pods) this.#pods.set(priority, pods)
    else this.#pods.delete(priority)
    if (!pods || (this.#lowest !== undefined && priority < this.#lowest)) this.#lowest = undefined
  }

  /** Whether any of them matters less than this. */
  hasBelow(priority: number): boolean {
    this.#lowest ??= Math.min(...this.#pods.keys())
    return this.#lowest < priority
  }
}
