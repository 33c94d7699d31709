/** Completion indexes as Jobs write them: `1,3-5,7`. Kept as a sorted list of closed ranges, as there may be 100 000 of them. */
export class IndexSet {
  #ranges: [from: number, to: number][] = []

  /** Unreadable parts are left out, and so is all from `limit` on. */
  static parse(text: string | undefined, limit = Infinity): IndexSet {
    const set = new IndexSet()
    for (const part of (text ?? '').split(',')) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part)
      if (!match) continue
      const from = Number(match[1])
      const to = Math.min(match[2] === undefined ? from : Number(match[2]), limit - 1)
      if (from <= to) set.#ranges.push([from, to])
    }
    set.#normalize()
    return set
  }

  static of(indexes: Iterable<number>): IndexSet {
    const set = new IndexSet()
    for (const i of indexes) set.#ranges.push([i, i])
    set.#normalize()
    return set
  }

  get size(): number {
    return this.#ranges.reduce((n, [from, to]) => n + to - from + 1, 0)
  }

  has(index: number): boolean {
    let [low, high] = [0, this.#ranges.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const [from, to] = this.#ranges[middle]!
      if (index < from) high = middle - 1
      else if (index > to) low = middle + 1
      else return true
    }
    return false
  }

  union(other: IndexSet): IndexSet {
    const set = new IndexSet()
    set.#ranges = [...this.#ranges, ...other.#ranges].map(([a, b]) => [a, b])
    set.#normalize()
    return set
  }

  /** How many indexes are in both. */
  overlap(other: IndexSet): number {
    let count = 0
    for (const [a, b] of this.#ranges)
      for (const [c, d] of other.#ranges) count += Math.max(Math.min(b, d) - Math.max(a, c) + 1, 0)
    return count
  }

  toString(): string {
    return this.#ranges
      .map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from},${to}` : `${from}-${to}`))
      .join(',')
  }

  #normalize(): void {
    this.#ranges.sort((a, b) => a[0] - b[0])
    const joined: [number, number][] = []
    for (const range of this.#ranges) {
      const last = joined.at(-1)
      if (last && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1])
      else joined.push(range)
    }
    this.#ranges = joined
  }
}
