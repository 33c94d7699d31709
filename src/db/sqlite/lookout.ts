import { type Clock, systemClock } from '../../base/clock.ts'
import type { Bell } from './bell.ts'
import { Patience } from './patience.ts'

/** A thread is kept no longer than this from sleeping: it writes and syncs a commit on a fast disk in 100–200 µs. */
const longestMs = 0.3
/** What comes later than this after the one before is waited for asleep. */
const soonMs = 0.6

/** Looks out for a message instead of sleeping until it comes, while that is mostly worth it. */
export class Lookout {
  readonly #bell: Bell
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #patience = new Patience()
  #restedMs = Number.NEGATIVE_INFINITY

  /** @param bell rung for each message */
  constructor(bell: Bell, clock: Pick<Clock, 'monotonicMs'> = systemClock) {
    this.#bell = bell
    this.#clock = clock
  }

  /** How often the bell was rung: for `keep`. */
  get heard(): number {
    return this.#bell.rings
  }

  /** Whether the last message came soon after the thread had nothing to do: then the next one may too. */
  get soon(): boolean {
    return this.#clock.monotonicMs() - this.#restedMs < soonMs
  }

  /** The thread has nothing to do from now on. */
  rest(): void {
    this.#restedMs = this.#clock.monotonicMs()
  }

  /** Keeps the thread until a message comes, if that is worth it. @param heard from before it was looked whether one is there */
  keep(heard: number): boolean {
    if (!this.#patience.worth) return false
    const end = this.#clock.monotonicMs() + longestMs
    const came = this.#bell.awaitRing(heard, () => this.#clock.monotonicMs() >= end)
    this.#patience.learn(came)
    return came
  }
}
