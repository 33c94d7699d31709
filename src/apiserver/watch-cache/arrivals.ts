import type { Cancel, Clock } from '../../base/clock.ts'

interface Waiter {
  revision: number
  /** By the monotonic clock. */
  untilMs: number
  resolve(came: boolean): void
}

/**
 * Those who wait for revisions to arrive. Every write does, for a moment: so there is one timer for all, and what arrives
 * looks only at those whose revision it is, since they mostly ask in order.
 */
export class Arrivals {
  readonly #clock: Clock
  /** In order of revision. */
  #waiters: Waiter[] = []
  #timer: Cancel | undefined
  #timerMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns whether it came within `timeoutMs` milliseconds */
  wait(revision: number, timeoutMs: number): Promise<boolean> {
    return new Promise(resolve => {
      const waiters = this.#waiters
      const untilMs = this.#clock.monotonicMs() + timeoutMs
      let at = waiters.length
      while (at > 0 && waiters[at - 1]!.revision > revision) at--
      const waiter = { revision, untilMs, resolve }
      if (at === waiters.length) waiters.push(waiter)
      else waiters.splice(at, 0, waiter)
      if (untilMs < this.#timerMs) this.#lookAt(untilMs)
    })
  }

  /** Everything up to `revision` is there. */
  reached(revision: number): void {
    const waiters = this.#waiters
    let count = 0
    while (count < waiters.length && waiters[count]!.revision <= revision) waiters[count++]!.resolve(true)
    if (count === 0) return
    // Those who wait for what comes next are few, or none.
    if (count === waiters.length) this.#waiters = []
    else waiters.splice(0, count)
    if (this.#waiters.length === 0) this.#stopTimer()
  }

  /** When it fires, those whose time is over are sent away. */
  #lookAt(timeMs: number): void {
    this.#timer?.()
    this.#timerMs = timeMs
    this.#timer = this.#clock.schedule(Math.max(timeMs - this.#clock.monotonicMs(), 0), () => this.#expire())
  }

  #expire(): void {
    this.#stopTimer()
    const nowMs = this.#clock.monotonicMs()
    const over = this.#waiters.filter(w => w.untilMs <= nowMs)
    this.#waiters = this.#waiters.filter(w => w.untilMs > nowMs)
    if (this.#waiters.length) this.#lookAt(Math.min(...this.#waiters.map(w => w.untilMs)))
    for (const { resolve } of over) resolve(false)
  }

  #stopTimer(): void {
    this.#timer?.()
    this.#timer = undefined
    this.#timerMs = Number.POSITIVE_INFINITY
  }
}
