import { every } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { Compacted, StoreConflict } from '../../db/store.ts'
import { Event } from '../../models/kinds/index.ts'
import type { Core } from '../core.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

export interface EventRetention {
  /** Since its last change; 7 days unless said otherwise. */
  maxAgeMs?: number
  /** The oldest go when there are more; 10,000 unless said otherwise: each is kept in memory. */
  most?: number
}

const dayMs = 86_400_000
const sweepMs = 60_000
/** Deletions in one commit. */
const together = 500

/**
 * Lets go of old Events, which nobody deletes by hand: a cluster that is up for months would otherwise fill its memory
 * with them. What goes is still in the history: `get events --as-of`.
 */
export class EventKeeper {
  readonly #core: Core
  readonly #maxAgeMs: number
  readonly #most: number

  constructor(core: Core, { maxAgeMs = 7 * dayMs, most = 10_000 }: EventRetention = {}) {
    this.#core = core
    this.#maxAgeMs = maxAgeMs
    this.#most = most
  }

  /** Sweeps now and then until the server closes. */
  start(): void {
    const { clock, closing, log } = this.#core
    const sweep = () =>
      this.sweep().then(
        () => {},
        error => {
          if (!closing.aborted) log.warn({ error: explain(error) }, 'old events not removed, will try again')
        },
      )
    every(clock, sweepMs, sweep, closing)
  }

  /** @returns how many went */
  async sweep(): Promise<number> {
    const { cache, resources, clock } = this.#core
    const all = cache.bucket(resources.of(Event)).list()
    const before = await this.#revisionAt(clock.now() - this.#maxAgeMs)
    const byAge = [...all].sort((a, b) => a.revision - b.revision)
    const surplus = Math.max(byAge.length - this.#most, 0)
    const old = byAge.filter((event, i) => i < surplus || event.revision <= before)
    for (let i = 0; i < old.length; i += together) await this.#remove(old.slice(i, i + together))
    return old.length
  }

  /** Revisions up to this one are too old; 0 where the history does not reach back so far. */
  async #revisionAt(timeMs: number): Promise<number> {
    try {
      return Number(await this.#core.store.revisionAt(timeMs))
    } catch (error) {
      if (error instanceof Compacted) return 0
      throw error
    }
  }

  async #remove(events: KeptObject[]): Promise<void> {
    const seen = new Map(events.map(({ key, revision }) => [key, BigInt(revision)]))
    const changes = events.map(({ key }) => ({ key, value: undefined }))
    try {
      await this.#core.store.commit(changes, seen, { user: 'system:apiserver', request: '' })
    } catch (error) {
      // One of them has just happened again, or another server was faster: the next sweep sees.
      if (!(error instanceof StoreConflict)) throw error
    }
  }
}
