import { type ApiError, isNotFound } from '../models/api-error.ts'

/** Requests under way at once. While they are, what comes gathers: the busier, the larger the groups. */
const requestsAtOnce = 4
const largestGroup = 256

export interface GroupedRequestsOptions<T> {
  /** Asks for all in one request. @returns by place in the list, why not. @throws NotFound the server has no such groups */
  together(items: readonly T[]): Promise<ReadonlyMap<number, ApiError>>
  alone(item: T): Promise<unknown>
}

interface Waiting<T> {
  item: T
  resolve(): void
  reject(reason: unknown): void
}

/**
 * Asks the API by as few requests as it lets us: for what comes alone by a request of its own, for several by a group, in
 * which each stands for itself. A server that has no groups gets them one at a time.
 */
export class GroupedRequests<T> {
  readonly #options: GroupedRequestsOptions<T>
  #waiting: Waiting<T>[] = []
  #requests = 0
  #flushing = false
  #grouped = true
  #size = 0

  constructor(options: GroupedRequestsOptions<T>) {
    this.#options = options
  }

  /** Those that are under way or wait. */
  get size(): number {
    return this.#size
  }

  /** @throws ApiError what this one was refused for */
  async ask(item: T): Promise<void> {
    this.#size++
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push({ item, resolve, reject })
        this.#flushSoon()
      })
    } finally {
      this.#size--
    }
  }

  /** Not at once: whatever else is decided in this turn goes along. */
  #flushSoon(): void {
    if (this.#flushing || this.#requests >= requestsAtOnce) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      while (this.#waiting.length && this.#requests < requestsAtOnce)
        void this.#send(this.#waiting.splice(0, largestGroup))
    })
  }

  async #send(group: Waiting<T>[]): Promise<void> {
    this.#requests++
    try {
      if (group.length > 1 && this.#grouped) await this.#together(group)
      else await Promise.all(group.map(one => this.#alone(one)))
    } finally {
      this.#requests--
      if (this.#waiting.length) this.#flushSoon()
    }
  }

  async #together(group: Waiting<T>[]): Promise<void> {
    let refused: ReadonlyMap<number, ApiError>
    try {
      refused = await this.#options.together(group.map(g => g.item))
    } catch (error) {
      if (!isNotFound(error)) {
        for (const { reject } of group) reject(error)
        return
      }
      this.#grouped = false
      await Promise.all(group.map(one => this.#alone(one)))
      return
    }
    for (const [i, { resolve, reject }] of group.entries()) {
      const error = refused.get(i)
      if (error) reject(error)
      else resolve()
    }
  }

  async #alone({ item, resolve, reject }: Waiting<T>): Promise<void> {
    try {
      await this.#options.alone(item)
      resolve()
    } catch (error) {
      reject(error)
    }
  }
}
