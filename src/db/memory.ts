import { type Clock, systemClock } from '../base/clock.ts'
import { checkChanges } from './change.ts'
import { compareKeys } from './key.ts'
import { SortedMap } from './sorted-map.ts'
import {
  type Author,
  type Batches,
  type Change,
  Compacted,
  FutureRevision,
  type Key,
  type KeyChange,
  type Listing,
  type Page,
  type Revision,
  type Store,
  type StoreBatch,
  StoreConflict,
  type StoreEvent,
  StoreFailed,
  type Versioned,
} from './store.ts'
import { type HistoryPage, WatchHub } from './watch-hub.ts'

export interface MemoryStoreOptions {
  clock?: Clock
  /** Commits kept readable and watchable; 100,000 unless given. Older ones are forgotten a few at a time. */
  historyLimit?: number
  /** See WatchHubOptions. */
  bufferedEvents?: number
}

/** A state of one key; without a value it was deleted. */
interface Version {
  revision: Revision
  created: Revision
  value: Uint8Array | undefined
  timeMs: number
  author: Author | undefined
}

/** Everything in this process's memory, gone with it. For tests, simulation and `--store memory`. */
export async function openMemoryStore(options: MemoryStoreOptions = {}): Promise<Store> {
  return new MemoryStore(options)
}

const pageOfBatches = 500

class MemoryStore implements Store {
  /** Of each key its states, oldest first, as far back as history goes. */
  readonly #keys = new SortedMap<Version[]>()
  /** Commits after `#oldest`, in order. */
  #log: StoreBatch[] = []
  #newest: Revision = 0n
  #oldest: Revision = 0n
  #closed = false
  #sizeBytes = 0
  /** When each of `#log` was written; never goes back. */
  #times: number[] = []
  #oldestMs = 0
  readonly #clock: Clock
  readonly #historyLimit: number
  readonly #hub: WatchHub

  constructor(options: MemoryStoreOptions) {
    this.#historyLimit = options.historyLimit ?? 100_000
    this.#clock = options.clock ?? systemClock
    this.#hub = new WatchHub({
      clock: this.#clock,
      published: 0n,
      newest: async () => this.#newest,
      readHistory: async (prefix, after, through) => this.#readHistory(prefix, after, through),
      ...(options.bufferedEvents ? { bufferedEvents: options.bufferedEvents } : {}),
    })
  }

  async revision(): Promise<Revision> {
    this.#checkOpen()
    return this.#newest
  }

  async compacted(): Promise<Revision> {
    this.#checkOpen()
    return this.#oldest
  }

  async sizeBytes(): Promise<number> {
    this.#checkOpen()
    return this.#sizeBytes
  }

  async get(key: Key, at?: Revision): Promise<Versioned | undefined> {
    this.#checkOpen()
    this.#checkReadable(at)
    return this.#state(key, this.#keys.get(key), at)
  }

  async list(prefix: Key, page: Page = {}): Promise<Listing> {
    this.#checkOpen()
    this.#checkReadable(page.at)
    const revision = page.at ?? this.#newest
    const limit = page.limit || Number.POSITIVE_INFINITY
    // No key contains a zero character, so this is the first possible one after `after`.
    const start = page.after === undefined || compareKeys(page.after, prefix) < 0 ? prefix : `${page.after}\u0001`
    const entries: Versioned[] = []
    let remaining = 0
    for (const [key, versions] of this.#keys.from(start)) {
      if (!key.startsWith(prefix)) break
      const state = this.#state(key, versions, revision)
      if (!state) continue
      if (entries.length < limit) entries.push(state)
      else remaining++
    }
    return { entries, revision, remaining }
  }

  async commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision> {
    this.#checkOpen()
    checkChanges(changes)
    for (const [key, revision] of seen) {
      const actual = this.#state(key, this.#keys.get(key))
      if ((actual?.revision ?? 0n) !== revision) throw new StoreConflict(key, actual)
    }
    const revision = this.#newest + 1n
    const timeMs = Math.max(this.#clock.now(), this.#times.at(-1) ?? 0)
    const events: StoreEvent[] = []
    for (const { key, value } of changes) {
      const event = this.#apply({ key, value }, revision, timeMs, author)
      if (event) events.push(event)
    }
    if (events.length === 0) return this.#newest
    const batch = { revision, events }
    this.#newest = revision
    this.#log.push(batch)
    this.#times.push(timeMs)
    if (this.#log.length > this.#historyLimit + (this.#historyLimit >> 2)) {
      this.#forget(this.#log[this.#log.length - this.#historyLimit - 1]!.revision)
    }
    this.#hub.publish(batch)
    return revision
  }

  watch(prefix: Key, from: Revision, signal: AbortSignal): Batches {
    return this.#hub.watch(prefix, from, signal)
  }

  async changes(key: Key, { limit, before }: { limit?: number; before?: Revision } = {}): Promise<KeyChange[]> {
    this.#checkOpen()
    const versions = (this.#keys.get(key) ?? []).filter(v => before === undefined || v.revision < before)
    return versions.reverse().slice(0, limit || versions.length)
  }

  async revisionAt(timeMs: number): Promise<Revision> {
    this.#checkOpen()
    if (timeMs < this.#oldestMs) throw new Compacted(this.#oldest - 1n, this.#oldest)
    const later = this.#times.findIndex(t => t > timeMs)
    if (later < 0) return this.#newest
    return later > 0 ? this.#log[later - 1]!.revision : this.#oldest
  }

  async compact(revision: Revision): Promise<Revision> {
    this.#checkOpen()
    if (revision > this.#newest) throw new FutureRevision(revision, this.#newest)
    if (revision > this.#oldest) this.#forget(revision)
    return this.#oldest
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#hub.close(closedError())
  }

  #apply(
    { key, value }: Change,
    revision: Revision,
    timeMs: number,
    author: Author | undefined,
  ): StoreEvent | undefined {
    const versions = this.#keys.get(key)
    const before = versions?.[versions.length - 1]
    if (value === undefined && before?.value === undefined) return undefined
    const created = before?.value === undefined ? revision : before.created
    const version = { revision, created, value, timeMs, author }
    this.#sizeBytes += sizeOf(key, version)
    if (versions) versions.push(version)
    else this.#keys.set(key, [version])
    return { type: value ? 'put' : 'delete', key, value, revision, created: value ? created : 0n }
  }

  #state(key: Key, versions: Version[] | undefined, at?: Revision): Versioned | undefined {
    if (!versions) return undefined
    let i = versions.length - 1
    if (at !== undefined) while (i >= 0 && versions[i]!.revision > at) i--
    const version = versions[i]
    if (version?.value === undefined) return undefined
    return { key, value: version.value, revision: version.revision, created: version.created }
  }

  #readHistory(prefix: Key, after: Revision, through: Revision): HistoryPage {
    if (after < this.#oldest) throw new Compacted(after, this.#oldest)
    const batches: StoreBatch[] = []
    // Revisions in the log are consecutive.
    for (let i = Number(after - this.#oldest); i < this.#log.length; i++) {
      const batch = this.#log[i]!
      if (batch.revision > through) break
      const events = batch.events.filter(e => e.key.startsWith(prefix))
      if (events.length) batches.push({ revision: batch.revision, events })
      if (batches.length >= pageOfBatches) return { batches, through: batch.revision }
    }
    return { batches, through }
  }

  /** Drops states that a later one at or before `revision` replaced, and tombstones up to there. */
  #forget(revision: Revision): void {
    const dropped = Number(revision - this.#oldest)
    for (const batch of this.#log.slice(0, dropped)) {
      for (const { key } of batch.events) {
        const versions = this.#keys.get(key)
        if (!versions) continue
        let keep = 0
        while (keep + 1 < versions.length && versions[keep + 1]!.revision <= revision) keep++
        if (versions[keep]!.value === undefined && versions[keep]!.revision <= revision) keep++
        for (const dropped of versions.slice(0, keep)) this.#sizeBytes -= sizeOf(key, dropped)
        if (keep === versions.length) this.#keys.delete(key)
        else if (keep > 0) versions.splice(0, keep)
      }
    }
    this.#log = this.#log.slice(dropped)
    this.#oldestMs = this.#times[dropped - 1] ?? this.#oldestMs
    this.#times = this.#times.slice(dropped)
    this.#oldest = revision
  }

  #checkReadable(at: Revision | undefined): void {
    if (at === undefined) return
    if (at > this.#newest) throw new FutureRevision(at, this.#newest)
    if (at < this.#oldest) throw new Compacted(at, this.#oldest)
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError()
  }
}

const sizeOf = (key: Key, { value }: Version): number => key.length + (value?.length ?? 0)

function closedError(): StoreFailed {
  return new StoreFailed('the store is closed')
}
