import type { Cancel, Clock } from '../base/clock.ts'
import { type Batches, type Compacted, FutureRevision, type Key, type Revision, type StoreBatch } from './store.ts'

/** A piece of the past. */
export interface HistoryPage {
  /** Commits that touch the prefix, in order, each whole. */
  batches: StoreBatch[]
  /** Up to and including this revision nothing is missing. */
  through: Revision
}

export interface WatchHubOptions {
  clock: Clock
  /** Newest durable revision when the hub starts. */
  published: Revision
  /** Asks the engine itself, which may know of commits that are not published yet. */
  newest(): Promise<Revision>
  /**
   * Some of the events after `after` and not after `through`. @throws Compacted
   */
  readHistory(prefix: Key, after: Revision, through: Revision): Promise<HistoryPage>
  /** A watcher with more events than this waiting drops them and reads them from history later; 4,096 unless given. */
  bufferedEvents?: number
  /** An idle watcher hears at most this often how far the store has got; 100 ms unless given. */
  progressMs?: number
}

/**
 * Carries durable commits to all watchers. A watcher first reads history up to the revision at which it joined, then what
 * was published since. One that reads too slowly loses its buffer, not its place: it goes back to reading history. So no
 * watcher costs more memory than its buffer, and none holds up a commit.
 */
export class WatchHub {
  readonly #options: WatchHubOptions
  readonly #bufferedEvents: number
  readonly #progressMs: number
  readonly #byPrefix = new Map<Key, Set<Watcher>>()
  #published: Revision
  #progress: Cancel | undefined
  #closed: Error | undefined

  constructor(options: WatchHubOptions) {
    this.#options = options
    this.#published = options.published
    this.#bufferedEvents = options.bufferedEvents ?? 4096
    this.#progressMs = options.progressMs ?? 100
  }

  /** Newest revision handed to watchers. */
  get published(): Revision {
    return this.#published
  }

  /** The oldest revision that some watcher still has to read from history; undefined when all are live. */
  get oldestReading(): Revision | undefined {
    let oldest: Revision | undefined
    for (const watchers of this.#byPrefix.values())
      for (const w of watchers)
        if ((w.behind || w.lost) && (oldest === undefined || w.cursor < oldest)) oldest = w.cursor
    return oldest
  }

  /** Hands on one durable commit; in order of revision. */
  publish(batch: StoreBatch): void {
    this.#published = batch.revision
    for (const [prefix, watchers] of this.#byPrefix) {
      const events = batch.events.every(e => e.key.startsWith(prefix))
        ? batch.events
        : batch.events.filter(e => e.key.startsWith(prefix))
      if (events.length === 0) continue
      const part = events === batch.events ? batch : { revision: batch.revision, events }
      for (const w of watchers) w.push(part, this.#bufferedEvents)
    }
    if (this.#byPrefix.size) this.#scheduleProgress()
  }

  /** Commits up to `error.oldest` were missed and cannot be read any more: ends every watch, and goes on from there. */
  skip(error: Compacted): void {
    this.#published = error.oldest
    for (const watchers of this.#byPrefix.values()) for (const w of watchers) w.fail(error)
  }

  /** Ends every watch with this error. */
  close(error: Error): void {
    this.#closed ??= error
    this.#progress?.()
    for (const watchers of this.#byPrefix.values()) for (const w of watchers) w.wake()
  }

  watch(prefix: Key, from: Revision, signal: AbortSignal): Batches {
    const watcher = new Watcher(prefix, from)
    return {
      [Symbol.asyncIterator]: () => this.#watch(watcher, signal),
      ready: fits => (signal.aborted || this.#closed ? undefined : watcher.ready(fits)),
    }
  }

  async *#watch(watcher: Watcher, signal: AbortSignal): AsyncGenerator<StoreBatch, void, undefined> {
    const from = watcher.cursor
    if (signal.aborted) return
    if (this.#closed) throw this.#closed
    if (from > this.#published) {
      const newest = await this.#options.newest()
      if (signal.aborted) return
      if (from > newest) throw new FutureRevision(from, newest)
    }
    const onAbort = () => watcher.wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      for (;;) {
        yield* this.#catchUp(watcher, signal)
        while (!watcher.lost) {
          if (signal.aborted) return
          if (this.#closed) throw this.#closed
          if (watcher.failed) throw watcher.failed
          const batch = watcher.shift()
          if (batch) yield batch
          else if (watcher.progressDue && this.#published > watcher.cursor) yield watcher.progress(this.#published)
          else await watcher.wait()
        }
        if (signal.aborted) return
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#leave(watcher)
    }
  }

  /** Joins first, so that nothing is missed, then reads the past up to that moment. */
  async *#catchUp(watcher: Watcher, signal: AbortSignal): AsyncGenerator<StoreBatch, void, undefined> {
    this.#join(watcher)
    const target = this.#published
    let told = watcher.cursor
    watcher.behind = watcher.cursor < target
    while (watcher.cursor < target && !watcher.lost) {
      const page = await this.#options.readHistory(watcher.prefix, watcher.cursor, target)
      for (const batch of page.batches) {
        if (signal.aborted) return
        if (this.#closed) throw this.#closed
        watcher.cursor = told = batch.revision
        yield batch
      }
      watcher.cursor = page.through
      if (signal.aborted) return
      if (this.#closed) throw this.#closed
    }
    watcher.behind = false
    if (!watcher.lost && watcher.cursor > told) yield { revision: watcher.cursor, events: [] }
  }

  #join(watcher: Watcher): void {
    watcher.reset()
    let watchers = this.#byPrefix.get(watcher.prefix)
    if (!watchers) this.#byPrefix.set(watcher.prefix, (watchers = new Set()))
    watchers.add(watcher)
  }

  #leave(watcher: Watcher): void {
    const watchers = this.#byPrefix.get(watcher.prefix)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#byPrefix.delete(watcher.prefix)
  }

  #scheduleProgress(): void {
    if (this.#progress) return
    this.#progress = this.#options.clock.schedule(this.#progressMs, () => {
      this.#progress = undefined
      for (const watchers of this.#byPrefix.values())
        for (const w of watchers) if (w.idle && w.cursor < this.#published) w.tellProgress()
    })
  }
}

class Watcher {
  readonly prefix: Key
  /** Everything up to here was handed over. */
  cursor: Revision
  /** It still reads history. */
  behind = true
  /** Its buffer overflowed: it must read history again. */
  lost = false
  progressDue = false
  failed: Error | undefined
  #buffer: StoreBatch[] = []
  #head = 0
  #events = 0
  #wake: (() => void) | undefined

  constructor(prefix: Key, cursor: Revision) {
    this.prefix = prefix
    this.cursor = cursor
  }

  get idle(): boolean {
    return this.#wake !== undefined && this.#head === this.#buffer.length
  }

  /** The next of those that wait, if it has read history and lacks nothing since. */
  ready(fits: (batch: StoreBatch) => boolean = () => true): StoreBatch | undefined {
    if (this.behind || this.lost || this.failed) return undefined
    const next = this.#buffer[this.#head]
    return next && fits(next) ? this.shift() : undefined
  }

  push(batch: StoreBatch, limit: number): void {
    if (this.lost || batch.revision <= this.cursor) return
    if (this.#events + batch.events.length > limit && this.#events > 0) {
      this.reset()
      this.lost = true
    } else {
      this.#buffer.push(batch)
      this.#events += batch.events.length
    }
    this.wake()
  }

  shift(): StoreBatch | undefined {
    const batch = this.#buffer[this.#head]
    if (!batch) {
      this.#buffer = []
      this.#head = 0
      return undefined
    }
    this.#head++
    this.#events -= batch.events.length
    this.cursor = batch.revision
    this.progressDue = false
    return batch
  }

  progress(revision: Revision): StoreBatch {
    this.progressDue = false
    this.cursor = revision
    return { revision, events: [] }
  }

  tellProgress(): void {
    this.progressDue = true
    this.wake()
  }

  fail(error: Error): void {
    this.failed = error
    this.wake()
  }

  reset(): void {
    this.#buffer = []
    this.#head = 0
    this.#events = 0
    this.lost = false
    this.progressDue = false
  }

  wait(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
