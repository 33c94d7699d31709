/** Rows in the order in which they changed; old ones are forgotten. */
export class ChangeLog {
  #rows: number[] = []
  /** The number of the first. */
  #start: number
  /** By row: in which look it was last seen. */
  readonly #seenIn: number[] = []
  #looks = 0

  /** @param start the number of the first change to come */
  constructor(start: number) {
    this.#start = start
  }

  /** @param most are remembered, or half as many */
  push(row: number, most: number): void {
    this.#rows.push(row)
    if (this.#rows.length <= most) return
    const drop = this.#rows.length >> 1
    this.#rows = this.#rows.slice(drop)
    this.#start += drop
  }

  /** The rows of change `first` and all later ones, each once; undefined if that is too long ago to know. */
  since(first: number): readonly number[] | undefined {
    if (first < this.#start) return undefined
    const changed: number[] = []
    const look = ++this.#looks
    for (let i = first - this.#start; i < this.#rows.length; i++) {
      const row = this.#rows[i]!
      if (this.#seenIn[row] === look) continue
      this.#seenIn[row] = look
      changed.push(row)
    }
    return changed
  }
}
