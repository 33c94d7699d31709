/** Lets so many in at once; the others wait in line. */
export class Semaphore {
  readonly #places: number
  #free: number
  readonly #waiting: (() => void)[] = []

  /** @param places at least 1 */
  constructor(places: number) {
    this.#places = places
    this.#free = places
  }

  /** So many are in. */
  get taken(): number {
    return this.#places - this.#free
  }

  /** Rejects with the signal's reason when it aborts while waiting. */
  async run<R>(task: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    await this.#enter(signal)
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }

  #enter(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        const at = this.#waiting.indexOf(enter)
        if (at >= 0) this.#waiting.splice(at, 1)
        reject(signal?.reason)
      }
      this.#waiting.push(enter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
}
