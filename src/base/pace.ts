import { type Clock, sleep } from './clock.ts'
import type { Rate } from './token-buckets.ts'

/** Lets things happen at a rate: who comes too early waits, in the order of coming. */
export class Pace {
  readonly #clock: Clock
  readonly #rate: Rate
  /** Below 0: so many wait. */
  #tokens: number
  #atMs: number

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atMs = clock.monotonicMs()
  }

  /** Resolves when it may happen. @throws AbortError: it does not, and others need not wait for it */
  async turn(signal?: AbortSignal): Promise<void> {
    const { perSecond, burst } = this.#rate
    const now = this.#clock.monotonicMs()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#atMs) * perSecond) / 1_000) - 1
    this.#atMs = now
    if (this.#tokens >= 0) return
    try {
      await sleep(this.#clock, Math.ceil((-this.#tokens * 1_000) / perSecond), signal)
    } catch (aborted) {
      this.#tokens++
      throw aborted
    }
  }
}
