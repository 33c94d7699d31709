import type { Clock } from '../../base/clock.ts'
import type { RateLimit } from './policy.ts'

interface Bucket {
  tokens: number
  atMs: number
}

/** Of one guard; whoever asked least lately is forgotten beyond it, and begins anew. */
const mostBuckets = 50_000

/** Token buckets: one for each guard and each of those that it counts apart. */
export class RateLimits {
  readonly #clock: Clock
  readonly #buckets = new Map<string, Map<string, Bucket>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param who whom the limit is counted for. @returns 0: it may pass; otherwise milliseconds until it may */
  take(id: string, { perSecond, burst }: RateLimit, who: string): number {
    const now = this.#clock.monotonicMs()
    let of = this.#buckets.get(id)
    if (!of) this.#buckets.set(id, (of = new Map()))
    const bucket = of.get(who) ?? { tokens: burst, atMs: now }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) * perSecond) / 1_000)
    bucket.atMs = now
    // The last in the map is the one that asked last.
    of.delete(who)
    of.set(who, bucket)
    if (of.size > mostBuckets) of.delete(of.keys().next().value!)
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1_000) / perSecond)
    bucket.tokens--
    return 0
  }

  /** Forgets the guards that are gone. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#buckets.keys()) if (!ids.has(id)) this.#buckets.delete(id)
  }
}
