import type { Cancel, Clock } from '../../base/clock.ts'

/**
 * Probes of all containers are asked at these moments, so that those that come near each other wake the process once: half of
 * what one costs is the waking.
 */
const gridMs = 25

interface Moment {
  due: Set<() => void>
  cancel: Cancel
}

/** When the probes of a node are asked: one timer for all that are due at the same moment, whoever they belong to. */
export class ProbeMoments {
  readonly #clock: Clock
  /** By monotonic time. */
  readonly #moments = new Map<number, Moment>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `task` once, up to one moment (25 ms) before `delayMs` is over: so the time that an answer takes does not add up. */
  before(delayMs: number, task: () => void): Cancel {
    return this.#plan(Math.floor, delayMs, task)
  }

  /** Runs `task` once, up to one moment (25 ms) after `delayMs` is over. */
  after(delayMs: number, task: () => void): Cancel {
    return this.#plan(Math.ceil, delayMs, task)
  }

  #plan(round: (x: number) => number, delayMs: number, task: () => void): Cancel {
    const now = this.#clock.monotonicMs()
    const atMonoMs = Math.max(round((now + delayMs) / gridMs) * gridMs, now)
    let moment = this.#moments.get(atMonoMs)
    if (!moment) {
      const due = new Set<() => void>()
      // A timer counts whole milliseconds, and one that is early would be a moment early next time.
      const cancel = this.#clock.schedule(Math.ceil(atMonoMs - now), () => {
        this.#moments.delete(atMonoMs)
        for (const each of due) each()
      })
      this.#moments.set(atMonoMs, (moment = { due, cancel }))
    }
    const { due, cancel } = moment
    // One function may be planned twice.
    const own = () => task()
    due.add(own)
    return () => {
      due.delete(own)
      if (due.size || this.#moments.get(atMonoMs)?.due !== due) return
      cancel()
      this.#moments.delete(atMonoMs)
    }
  }
}
