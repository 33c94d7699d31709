/** A queue between one or more writers and one reader: `push` never waits, reading waits for the next item. */
export class Channel<T> implements AsyncIterable<T> {
  #items: T[] = []
  #waiting: ((r: IteratorResult<T>) => void) | undefined
  #failed: ((e: unknown) => void) | undefined
  #ended = false
  #error: unknown

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    if (this.#ended) return
    if (this.#waiting) this.#take()?.({ value: item, done: false })
    else this.#items.push(item)
  }

  /** No more items. What was pushed is still read. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#take()?.({ value: undefined, done: true })
  }

  /** The reader gets what was pushed, then this error. */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    const reject = this.#failed
    this.#take()
    reject?.(error)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        if (this.#items.length) {
          yield this.#items.shift()!
          continue
        }
        if (this.#error !== undefined) throw this.#error
        if (this.#ended) return
        const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
          this.#waiting = resolve
          this.#failed = reject
        })
        if (next.done) return
        yield next.value
      }
    } finally {
      this.#ended = true
      this.#items = []
    }
  }

  #take() {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#failed = undefined
    return waiting
  }
}
