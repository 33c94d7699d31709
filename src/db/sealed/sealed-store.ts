import {
  type Author,
  type Batches,
  type Change,
  type Key,
  type KeyChange,
  type Listing,
  type Page,
  type Revision,
  type Store,
  type StoreBatch,
  StoreConflict,
  type StoreEvent,
  type Versioned,
} from '../store.ts'
import { CannotOpen, type Keyring, sealedBy } from './keyring.ts'

const resealPage = 200

/**
 * A store in which what lies under some prefixes is encrypted. Whoever uses it sees plain values; the engine, its files and
 * its backups have sealed ones. Values that were written before are read as they are, and sealed when they are written again.
 */
export class SealedStore implements Store {
  /** With sealed values. */
  readonly inner: Store
  readonly #keyring: Keyring
  readonly #prefixes: readonly Key[]

  constructor(inner: Store, keyring: Keyring, prefixes: readonly Key[]) {
    this.inner = inner
    this.#keyring = keyring
    this.#prefixes = prefixes
  }

  /** Tries one value of each prefix, so that a lost key file is noticed at the start. @throws CannotOpen */
  async check(): Promise<void> {
    for (const prefix of this.#prefixes) {
      const { entries } = await this.inner.list(prefix, { limit: 1 })
      for (const { key, value } of entries) this.#keyring.open(key, value)
    }
  }

  /**
   * Writes everything again that is not sealed with the newest key. The old keys are needed as long as history has what
   * they sealed.
   * @returns how many values were written
   */
  async reseal(): Promise<number> {
    let written = 0
    for (const prefix of this.#prefixes) {
      for (let after: Key | undefined; ; ) {
        const page = await this.inner.list(prefix, { limit: resealPage, ...(after ? { after } : {}) })
        for (const entry of page.entries) if (await this.#resealOne(entry)) written++
        if (page.remaining === 0) break
        after = page.entries.at(-1)!.key
      }
    }
    return written
  }

  revision(): Promise<Revision> {
    return this.inner.revision()
  }

  async get(key: Key, at?: Revision): Promise<Versioned | undefined> {
    const found = await this.inner.get(key, at)
    return found && this.#opened(found)
  }

  async list(prefix: Key, page?: Page): Promise<Listing> {
    const listing = await this.inner.list(prefix, page)
    if (!this.#mayHold(prefix)) return listing
    // Most are not sealed: of thousands no promise each.
    const entries = [...listing.entries]
    for (const [i, entry] of entries.entries()) if (this.#covers(entry.key)) entries[i] = await this.#opened(entry)
    return { ...listing, entries }
  }

  async commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision> {
    const sealed = changes.map(c =>
      c.value && this.#covers(c.key) ? { ...c, value: this.#keyring.seal(c.key, c.value) } : c,
    )
    try {
      return await this.inner.commit(sealed, seen, author)
    } catch (error) {
      if (!(error instanceof StoreConflict) || !error.actual) throw error
      throw new StoreConflict(error.key, await this.#opened(error.actual))
    }
  }

  watch(prefix: Key, from: Revision, signal: AbortSignal): Batches {
    const batches = this.inner.watch(prefix, from, signal)
    const mayHold = this.#mayHold(prefix)
    const isPlain = ({ events }: StoreBatch) => !mayHold || !events.some(e => this.#covers(e.key))
    const opened = (batch: StoreBatch) => this.#openedBatch(batch)
    return {
      async *[Symbol.asyncIterator]() {
        for await (const batch of batches) yield isPlain(batch) ? batch : await opened(batch)
      },
      // What has to be opened is waited for.
      ready: fits => batches.ready?.(batch => isPlain(batch) && (fits?.(batch) ?? true)),
    }
  }

  async #openedBatch({ revision, events }: StoreBatch): Promise<StoreBatch> {
    const open = async (e: StoreEvent) => ({ ...e, value: e.value && (await this.#open(e.key, e.value)) })
    return { revision, events: await Promise.all(events.map(open)) }
  }

  async changes(key: Key, page?: { limit?: number; before?: Revision }): Promise<KeyChange[]> {
    const changes = await this.inner.changes(key, page)
    return Promise.all(changes.map(async c => ({ ...c, value: c.value && (await this.#open(key, c.value)) })))
  }

  revisionAt(timeMs: number): Promise<Revision> {
    return this.inner.revisionAt(timeMs)
  }

  compact(revision: Revision): Promise<Revision> {
    return this.inner.compact(revision)
  }

  compacted(): Promise<Revision> {
    return this.inner.compacted()
  }

  obstacle(): string | undefined {
    return this.inner.obstacle?.()
  }

  sizeBytes(): Promise<number> {
    return this.inner.sizeBytes()
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]()
  }

  async #resealOne({ key, value, revision }: Versioned): Promise<boolean> {
    if (sealedBy(value) === this.#keyring.primary) return false
    try {
      await this.commit([{ key, value: await this.#openOrThrow(key, value) }], new Map([[key, revision]]))
      return true
    } catch (error) {
      // Somebody wrote it meanwhile, with the new key.
      if (error instanceof StoreConflict) return false
      throw error
    }
  }

  async #opened(entry: Versioned): Promise<Versioned> {
    return this.#covers(entry.key) ? { ...entry, value: await this.#open(entry.key, entry.value) } : entry
  }

  /** What cannot be opened is given as it is, so that the rest can be read; it is then named as what cannot be decoded. */
  async #open(key: Key, value: Uint8Array): Promise<Uint8Array> {
    if (!this.#covers(key)) return value
    try {
      return await this.#openOrThrow(key, value)
    } catch (error) {
      if (error instanceof CannotOpen) return value
      throw error
    }
  }

  /** A key that is not known may have been put into the file by another server's administrator. @throws CannotOpen */
  async #openOrThrow(key: Key, value: Uint8Array): Promise<Uint8Array> {
    const id = sealedBy(value)
    if (id !== undefined && !this.#keyring.ids.includes(id)) await this.#keyring.reload()
    return this.#keyring.open(key, value)
  }

  #covers(key: Key): boolean {
    return this.#prefixes.some(p => key.startsWith(p))
  }

  #mayHold(prefix: Key): boolean {
    return this.#prefixes.some(p => p.startsWith(prefix) || prefix.startsWith(p))
  }
}
