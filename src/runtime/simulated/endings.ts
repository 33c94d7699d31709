import type { Cancel, Clock } from '../../base/clock.ts'

/** What ends by itself at its time: any number of them on one timer, for the earliest. */
export class Endings {
  readonly #clock: Clock
  readonly #end: (id: string) => void
  /** Id → monotonic milliseconds. */
  readonly #due = new Map<string, number>()
  #timer: { atMs: number; cancel: Cancel } | undefined

  /** @param end called once for each id, when its time has come and it was not cancelled */
  constructor(clock: Clock, end: (id: string) => void) {
    this.#clock = clock
    this.#end = end
  }

  schedule(id: string, afterMs: number): void {
    this.#due.set(id, this.#clock.monotonicMs() + afterMs)
    this.resume()
  }

  cancel(id: string): void {
    this.#due.delete(id)
  }

  /** Ends now whatever is due. Asked before anybody looks, so that no timer needs to be exact. */
  run(): void {
    const now = this.#clock.monotonicMs()
    for (const [id, atMs] of this.#due)
      if (atMs <= now) {
        this.#due.delete(id)
        this.#end(id)
      }
  }

  /** No more calls by itself until `resume` (or the next `schedule`). */
  pause(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  resume(): void {
    let next = Number.POSITIVE_INFINITY
    for (const atMs of this.#due.values()) next = Math.min(next, atMs)
    if (next === Number.POSITIVE_INFINITY || (this.#timer && this.#timer.atMs <= next)) return
    this.#timer?.cancel()
    const cancel = this.#clock.schedule(Math.max(0, next - this.#clock.monotonicMs()), () => {
      this.#timer = undefined
      this.run()
      this.resume()
    })
    this.#timer = { atMs: next, cancel }
  }
}
