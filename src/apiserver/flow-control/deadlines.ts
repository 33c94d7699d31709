import type { Clock } from '../../base/clock.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import { parseGoDuration } from '../../models/go-duration.ts'

/** Longest time for a request that does not run long by its nature. */
export const longestRequestMs = 60_000
const tickMs = 1_000

/** The caller's time, or the longest there is, is over. */
export class TimeIsOver extends ApiError {
  constructor() {
    super('Timeout', 'Timeout: request did not complete within the allotted timeout', { details: {} })
  }
}

interface Pending {
  endsAtMs: number
  reject(error: TimeIsOver): void
}

/** `?timeout=32s`: how long the caller is ready to wait, at most a minute. @throws ApiError BadRequest */
export function requestTimeoutMs(query: URLSearchParams): number {
  const text = query.get('timeout')
  if (!text) return longestRequestMs
  const ms = parseGoDuration(text)
  if (ms === undefined)
    throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`)
  return ms <= 0 ? longestRequestMs : Math.min(ms, longestRequestMs)
}

/** Ends the wait for work that takes too long. One timer for all of them: most requests are done long before. */
export class Deadlines {
  readonly #clock: Clock
  readonly #pending = new Set<Pending>()
  #ticking = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws TimeIsOver; the work itself may still be done */
  within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { endsAtMs: this.#clock.monotonicMs() + timeoutMs, reject }
      const exact =
        timeoutMs < longestRequestMs ? this.#clock.schedule(timeoutMs, () => reject(new TimeIsOver())) : undefined
      if (!exact) this.#watch(pending)
      const over = () => {
        if (exact) exact()
        else this.#pending.delete(pending)
      }
      work.then(
        value => {
          over()
          resolve(value)
        },
        error => {
          over()
          reject(error)
        },
      )
    })
  }

  #watch(pending: Pending): void {
    this.#pending.add(pending)
    if (this.#ticking) return
    this.#ticking = true
    this.#clock.schedule(tickMs, () => this.#tick())
  }

  #tick(): void {
    const now = this.#clock.monotonicMs()
    for (const pending of this.#pending)
      if (pending.endsAtMs <= now) {
        this.#pending.delete(pending)
        pending.reject(new TimeIsOver())
      }
    this.#ticking = this.#pending.size > 0
    if (this.#ticking) this.#clock.schedule(tickMs, () => this.#tick())
  }
}
