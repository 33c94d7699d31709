import { type Backoff, backoffMs } from '../base/backoff.ts'
import type { Cancel, Clock } from '../base/clock.ts'

export interface WorkQueueMetrics {
  /** Keys waiting now. */
  depth?(keys: number): void
  /** From ready to taken, in milliseconds. */
  waited?(ms: number): void
  /** From taken to done, in milliseconds. */
  worked?(ms: number): void
  retried?(): void
}

export interface WorkQueueOptions {
  clock: Clock
  /** Per key; 5 ms doubling to 1 000 s unless said otherwise. */
  backoff?: Backoff
  metrics?: WorkQueueMetrics
}

/**
 * Keys to work on. A key waits in it at most once, and is never worked on twice at the same time: added while in work, it
 * comes again when that is done.
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #backoff: Backoff
  readonly #metrics: WorkQueueMetrics
  /** In order; a Set, so that a key is in it once. */
  readonly #waiting = new Map<string, number>()
  readonly #working = new Map<string, number>()
  readonly #again = new Set<string>()
  readonly #delayed = new Map<string, { at: number; cancel: Cancel }>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((key: string | undefined) => void)[] = []
  #closed = false

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#backoff = options.backoff ?? { baseMs: 5, maxMs: 1_000_000 }
    this.#metrics = options.metrics ?? {}
  }

  /** Keys ready to be taken. */
  get depth(): number {
    return this.#waiting.size
  }

  /** True when nothing waits, now or later, and nothing is in work. */
  get idle(): boolean {
    return !this.#waiting.size && !this.#working.size && !this.#delayed.size
  }

  /** For how long each key in work has been worked on, in milliseconds. */
  get inWorkMs(): number[] {
    const now = this.#clock.monotonicMs()
    return [...this.#working.values()].map(since => now - since)
  }

  add(key: string): void {
    if (this.#closed || this.#waiting.has(key)) return
    if (this.#working.has(key)) {
      this.#again.add(key)
      return
    }
    const now = this.#clock.monotonicMs()
    const taker = this.#takers.shift()
    if (taker) {
      this.#take(key, now, now)
      taker(key)
      return
    }
    this.#waiting.set(key, now)
    this.#metrics.depth?.(this.#waiting.size)
  }

  /** Adds the key after `delayMs`; of several such requests the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const at = this.#clock.monotonicMs() + delayMs
    const planned = this.#delayed.get(key)
    if (planned && planned.at <= at) return
    planned?.cancel()
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { at, cancel })
  }

  /** Adds the key after its own back-off, which grows with every call until `forget`. @returns the delay in milliseconds */
  retry(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    this.#metrics.retried?.()
    const delayMs = backoffMs(this.#backoff, failures)
    this.addAfter(key, delayMs)
    return delayMs
  }

  /** The key succeeded: its back-off starts anew. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  /** The next key, which must be given back with `done`. Undefined once the queue is closed. */
  async take(): Promise<string | undefined> {
    if (this.#closed) return undefined
    for (const [key, since] of this.#waiting) {
      this.#waiting.delete(key)
      this.#metrics.depth?.(this.#waiting.size)
      this.#take(key, since, this.#clock.monotonicMs())
      return key
    }
    return new Promise(resolve => this.#takers.push(resolve))
  }

  done(key: string): void {
    const since = this.#working.get(key)
    if (since === undefined) return
    this.#working.delete(key)
    this.#metrics.worked?.(this.#clock.monotonicMs() - since)
    if (this.#again.delete(key)) this.add(key)
  }

  /** Ends every `take`, drops what waits. */
  close(): void {
    this.#closed = true
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    this.#waiting.clear()
    this.#again.clear()
    for (const taker of this.#takers.splice(0)) taker(undefined)
  }

  #take(key: string, since: number, now: number): void {
    this.#working.set(key, now)
    this.#metrics.waited?.(now - since)
  }
}
