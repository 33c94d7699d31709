import type { Clock } from '../../base/clock.ts'
import { TokenBuckets } from '../../base/token-buckets.ts'
import type { RateLimit } from './policy.ts'

/** Of one guard; whoever asked least lately is forgotten beyond it, and begins anew. */
const mostBuckets = 50_000

/** Token buckets: one for each guard and each of those that it counts apart. */
export class RateLimits {
  readonly #clock: Clock
  readonly #buckets = new Map<string, TokenBuckets>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param who whom the limit is counted for. @returns 0: it may pass; otherwise milliseconds until it may */
  take(id: string, limit: RateLimit, who: string): number {
    let of = this.#buckets.get(id)
    if (!of) this.#buckets.set(id, (of = new TokenBuckets(this.#clock, mostBuckets)))
    return of.take(who, limit)
  }

  /** Forgets the guards that are gone. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#buckets.keys()) if (!ids.has(id)) this.#buckets.delete(id)
  }
}
