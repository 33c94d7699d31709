import type { Store } from '../../db/store.ts'
import type { WatchCache } from './watch-cache.ts'

/** Longer than that, and etcd or our watch of it is not well. */
const waitMs = 10_000

/**
 * Where several servers share a store, what a client has just written through another one may not be in our cache yet.
 * So whoever asks for no particular revision waits until the cache has what the store had when he asked. Those who ask
 * together are answered by one question to the store.
 */
export class FreshReads {
  readonly #store: Store
  readonly #cache: WatchCache
  #asking: Promise<boolean> | undefined
  #next: Promise<boolean> | undefined

  constructor(store: Store, cache: WatchCache) {
    this.#store = store
    this.#cache = cache
  }

  /** @returns false if the cache did not get there in time */
  reached(): Promise<boolean> {
    // A question that is under way may be of a moment before this one.
    this.#next ??= (this.#asking ?? Promise.resolve(true))
      .catch(() => true)
      .then(() => {
        this.#asking = this.#next
        this.#next = undefined
        return this.#ask()
      })
    return this.#next
  }

  async #ask(): Promise<boolean> {
    return this.#cache.reached(Number(await this.#store.revision()), waitMs)
  }
}
