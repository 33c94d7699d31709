/** One after the other among those who name the same thing; others do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `work` when everybody who asked before for the same `name` is done, however it ended for them. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const mine = before ? before.then(work, work) : work()
    // Kept without its outcome, so that nobody is told of another's failure.
    const settled = mine.then(nothing, nothing)
    this.#last.set(name, settled)
    try {
      return await mine
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    }
  }
}

const nothing = () => {}
