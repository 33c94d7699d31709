/** Runs at most `limit` tasks at once, in order of arrival. */
export class Limiter {
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #next = 0
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Tasks that run or wait. */
  get size(): number {
    return this.#running + this.#waiting.length - this.#next
  }

  async run<R>(task: () => Promise<R>): Promise<R> {
    if (this.#running >= this.#limit) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#running++
    try {
      return await task()
    } finally {
      this.#running--
      this.#waiting[this.#next++]?.()
      if (this.#next > 1_024 || this.#next >= this.#waiting.length) {
        this.#waiting.splice(0, this.#next)
        this.#next = 0
      }
    }
  }
}
