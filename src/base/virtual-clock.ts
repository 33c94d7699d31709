import type { Cancel, Clock } from './clock.ts'

interface Timer {
  at: number
  sequence: number
  task: () => void
}

/**
 * A clock that stands still until a test moves it. Timers run in order of time, then of creation; between two of them
 * every pending microtask and I/O callback gets its turn.
 */
export class VirtualClock implements Clock {
  #wall: number
  #mono = 0
  #sequence = 0
  #timers: Timer[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wall = startMs
  }

  now(): number {
    return this.#wall
  }

  monotonicMs(): number {
    return this.#mono
  }

  schedule(delayMs: number, task: () => void): Cancel {
    const timer = { at: this.#mono + Math.max(delayMs, 0), sequence: this.#sequence++, task }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(t => t !== timer)
    }
  }

  /** Moves time forward by `ms`, running what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms
    await settle()
    for (;;) {
      const next = this.#due(end)
      if (!next) break
      this.#moveTo(next.at)
      this.#timers = this.#timers.filter(t => t !== next)
      next.task()
      await settle()
    }
    this.#moveTo(end)
  }

  /** Moves only the wall clock, as an administrator or NTP would. */
  jumpWall(ms: number): void {
    this.#wall += ms
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined
    for (const t of this.#timers)
      if (t.at <= end && (!first || t.at < first.at || (t.at === first.at && t.sequence < first.sequence))) first = t
    return first
  }

  #moveTo(mono: number): void {
    this.#wall += mono - this.#mono
    this.#mono = mono
  }
}

/** Lets everything that is already runnable run: promise callbacks and one round of the event loop, several times over. */
export async function settle(rounds = 4): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise<void>(resolve => setImmediate(resolve))
}
