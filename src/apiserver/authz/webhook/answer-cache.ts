import type { Clock } from '../../../base/clock.ts'

/** Answers for a while; of too many, those go first that were not asked for the longest. */
export class AnswerCache<T> {
  readonly #clock: Clock
  readonly #most: number
  readonly #known = new Map<string, { answer: T; untilMs: number }>()

  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#most = most
  }

  get(key: string): T | undefined {
    const found = this.#known.get(key)
    if (!found) return undefined
    this.#known.delete(key)
    if (found.untilMs <= this.#clock.monotonicMs()) return undefined
    this.#known.set(key, found)
    return found.answer
  }

  set(key: string, answer: T, ageMs: number): void {
    this.#known.delete(key)
    this.#known.set(key, { answer, untilMs: this.#clock.monotonicMs() + ageMs })
    if (this.#known.size > this.#most) this.#known.delete(this.#known.keys().next().value!)
  }
}
