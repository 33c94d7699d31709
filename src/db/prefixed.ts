import { checkChanges } from './change.ts'
import {
  type Author,
  type Change,
  type Key,
  type KeyChange,
  type Listing,
  type Page,
  type Revision,
  type Store,
  type StoreBatch,
  StoreConflict,
  type Versioned,
} from './store.ts'

/**
 * A part of a store, whose keys all begin with `prefix`: several clusters share one etcd so. Whoever uses it does not see the
 * prefix; revisions and the past are those of the whole.
 */
export class PrefixedStore implements Store {
  readonly #inner: Store
  readonly #prefix: Key

  constructor(inner: Store, prefix: Key) {
    this.#inner = inner
    this.#prefix = prefix
  }

  revision(): Promise<Revision> {
    return this.#inner.revision()
  }

  async get(key: Key, at?: Revision): Promise<Versioned | undefined> {
    const found = await this.#inner.get(this.#prefix + key, at)
    return found && this.#shown(found)
  }

  async list(prefix: Key, page: Page = {}): Promise<Listing> {
    const after = page.after === undefined ? {} : { after: this.#prefix + page.after }
    const listing = await this.#inner.list(this.#prefix + prefix, { ...page, ...after })
    return { ...listing, entries: listing.entries.map(entry => this.#shown(entry)) }
  }

  async commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision> {
    checkChanges(changes)
    const whole = changes.map(change => ({ ...change, key: this.#prefix + change.key }))
    const seenWhole = new Map([...seen].map(([key, revision]) => [this.#prefix + key, revision]))
    try {
      return await this.#inner.commit(whole, seenWhole, author)
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error
      throw new StoreConflict(this.#keyOf(error.key), error.actual && this.#shown(error.actual))
    }
  }

  async *watch(prefix: Key, from: Revision, signal: AbortSignal): AsyncGenerator<StoreBatch, void, undefined> {
    for await (const { revision, events } of this.#inner.watch(this.#prefix + prefix, from, signal))
      yield { revision, events: events.map(event => this.#shown(event)) }
  }

  changes(key: Key, page?: { limit?: number; before?: Revision }): Promise<KeyChange[]> {
    return this.#inner.changes(this.#prefix + key, page)
  }

  revisionAt(timeMs: number): Promise<Revision> {
    return this.#inner.revisionAt(timeMs)
  }

  compact(revision: Revision): Promise<Revision> {
    return this.#inner.compact(revision)
  }

  compacted(): Promise<Revision> {
    return this.#inner.compacted()
  }

  /** Of the whole. */
  sizeBytes(): Promise<number> {
    return this.#inner.sizeBytes()
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#inner[Symbol.asyncDispose]()
  }

  #keyOf(key: Key): Key {
    return key.slice(this.#prefix.length)
  }

  #shown<T extends { key: Key }>(entry: T): T {
    return { ...entry, key: this.#keyOf(entry.key) }
  }
}
