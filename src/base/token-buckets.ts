import type { Clock } from './clock.ts'
import { Newest } from './newest.ts'

/** How often something may happen. */
export interface Rate {
  /** How often a second, once the burst is used up. */
  perSecond: number
  /** How often at once, by who has not come for long. */
  burst: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/** A token bucket for each of those who are counted apart. */
export class TokenBuckets {
  readonly #clock: Clock
  readonly #buckets: Newest<string, Bucket>

  /** @param most so many are remembered: who came least lately is forgotten beyond it, and has a whole burst again */
  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#buckets = new Newest(most)
  }

  /** @returns 0: it may happen, and counts; otherwise milliseconds until it may */
  take(who: string, { perSecond, burst }: Rate): number {
    const now = this.#clock.monotonicMs()
    const bucket = this.#buckets.get(who) ?? { tokens: burst, atMs: now }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) * perSecond) / 1_000)
    bucket.atMs = now
    this.#buckets.set(who, bucket)
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1_000) / perSecond)
    bucket.tokens--
    return 0
  }
}
