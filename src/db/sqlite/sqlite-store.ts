import { availableParallelism } from 'node:os'
import { isAbsolute } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { systemClock } from '../../base/clock.ts'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import { type Logger, silentLogger } from '../../base/logger.ts'
import { workerFile } from '../../base/worker-file.ts'
import { checkChanges } from '../change.ts'
import { compareKeys, prefixEnd } from '../key.ts'
import {
  type Author,
  type Batches,
  type Change,
  Compacted,
  type Key,
  type KeyChange,
  type Listing,
  type Page,
  type Revision,
  type Store,
  type StoreBatch,
  StoreFailed,
  StoreFull,
  type Versioned,
} from '../store.ts'
import { type HistoryPage, WatchHub } from '../watch-hub.ts'
import { unpackAuthor } from './author.ts'
import { Checkpointer } from './checkpointer.ts'
import { CommitQueue } from './commit-queue.ts'
import { Durable } from './durable.ts'
import { errorOf, ThreadFailure } from './failure.ts'
import { mostUnfiled } from './heads.ts'
import { HistoryKeeper, type HistoryLimits } from './history-keeper.ts'
import { Overlap } from './overlap.ts'
import { Unpacker } from './packing.ts'
import type { ChangesReply, HistoryReply, ListReply, PackedState, ThreadOptions, Usage } from './protocol.ts'
import { Reserve } from './reserve.ts'
import { madePath, pidPath, prepareFile, readPid } from './store-files.ts'
import { Thread } from './thread.ts'

export interface SqliteStoreOptions {
  /** Absolute path of the file; its folder is made. Beside it lie `-wal`, `-shm`, `.lock`, `.made`, `.pid` and `.reserve`. */
  path: string
  clock?: Clock
  disk?: Disk
  log?: Logger
  /** The file that the store's threads run: unless given, `worker.ts` beside this source, or `sqlite-worker.js` beside a bundle. */
  worker?: URL
  /** How much of the past is kept; see HistoryLimits for what holds unless given. */
  history?: Partial<HistoryLimits>
  /** Whether to check the whole file on opening: after an unclean stop only (`auto`), always, or never. */
  check?: ThreadOptions['check']
  /**
   * Write-ahead log pages (4 KiB) after which they are moved into the file, beside the commits; 4,000 unless given. At half as many
   * more a commit has to do it.
   */
  checkpointPages?: number
  /**
   * Room on the disk kept so that deletions work when it is full; 32 MiB unless given, 0 for none. Taken up by the file
   * `.reserve`, a minute after the first start, so that a store that lives shorter costs nothing.
   */
  reserveBytes?: number
  /** Changes by which the table of each key's last change may be behind the log; 4,096 unless given, 0: never behind. See Heads. */
  headsBehind?: number
  /** Threads look out for commits that come one by one, instead of sleeping: see Lookout. Unless given, where there are two processors. */
  looksOut?: boolean
  /** See WatchHubOptions. */
  bufferedEvents?: number
}

/**
 * Everything in one SQLite file, for one process at a time. Commits are written by a thread of their own, all that wait in
 * one transaction, and are durable (fsync) before they resolve or reach a watcher.
 * @throws StoreLocked, StoreCorrupt, StoreGone, StoreFailed
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path } = options
  if (!isAbsolute(path)) throw new StoreFailed(`the path of the store must be absolute: ${path}`)
  const disk = options.disk ?? systemDisk
  const log = options.log ?? silentLogger
  await prepareFile(path, disk)
  const file = await workerFile(options.worker ?? defaultWorker(), disk)
  const pages = options.checkpointPages ?? 4000
  const durable = new Durable().memory
  const { check = 'auto', headsBehind = mostUnfiled, looksOut = availableParallelism() > 1 } = options
  const thread = { path, durable, checkpointPages: Math.ceil(pages * 1.5), check, headsBehind, looksOut }
  const start = (role: ThreadOptions['role']) =>
    Thread.start(file, { ...thread, role }).catch(async error => {
      throw error instanceof ThreadFailure ? errorOf(error.failure, path, await readPid(path, disk)) : error
    })
  const clock = options.clock ?? systemClock
  const reserve = new Reserve({ clock, disk, log, path: `${path}.reserve`, bytes: options.reserveBytes ?? 32 << 20 })
  const { thread: writer, opened } = await start('writer').catch(async error => {
    // Opening writes a little.
    if (!(error instanceof StoreFull)) throw error
    await reserve.spend()
    return start('writer')
  })
  try {
    if (opened.unclean)
      log.warn({ path, checkedMs: Math.round(opened.checkedMs) }, 'store was not stopped cleanly; checked')
    await disk.write(pidPath(path), `${process.pid}\n`, { mode: 0o600 }).catch(error => {
      // Only a help for the error message of the next one who tries.
      log.warn({ path, error: explain(error) }, 'pid was not written')
    })
    if (!(await disk.exists(madePath(path))))
      await disk.write(madePath(path), '', { mode: 0o600 }).catch(error => {
        // A full disk, say; the next start writes it.
        log.warn({ path, error: explain(error) }, 'it was not noted that the store is made')
      })
    const { thread: reader } = await start('reader')
    const startThread = (role: ThreadOptions['role']) => start(role).then(({ thread }) => thread)
    const whole = { ...options, clock, disk, log, reserve, checkpointPages: pages, looksOut, startThread }
    return new SqliteStore(whole, writer, reader, BigInt(opened.revision))
  } catch (error) {
    await writer.close()
    throw error
  }
}

/** What openSqliteStore has made of the options. */
interface SqliteStoreParts extends SqliteStoreOptions {
  clock: Clock
  disk: Disk
  log: Logger
  reserve: Reserve
  checkpointPages: number
  looksOut: boolean
  startThread(role: ThreadOptions['role']): Promise<Thread>
}

export class SqliteStore implements Store {
  readonly #path: string
  readonly #disk: Disk
  readonly #writer: Thread
  readonly #reader: Thread
  readonly #hub: WatchHub
  readonly #queue: CommitQueue
  readonly #checkpointer: Checkpointer
  readonly #overlap: Overlap
  readonly #keeper: HistoryKeeper
  readonly #reserve: Reserve
  #closed: Error | undefined
  #disposed: Promise<void> | undefined

  /** Use openSqliteStore. */
  constructor(options: SqliteStoreParts, writer: Thread, reader: Thread, revision: Revision) {
    const { clock } = options
    this.#path = options.path
    this.#reserve = options.reserve
    this.#disk = options.disk
    this.#writer = writer
    this.#reader = reader
    this.#hub = new WatchHub({
      clock,
      published: revision,
      newest: () => this.revision(),
      readHistory: (prefix, after, through) => this.#readHistory(prefix, after, through),
      ...(options.bufferedEvents ? { bufferedEvents: options.bufferedEvents } : {}),
    })
    this.#checkpointer = new Checkpointer({
      log: options.log,
      writer,
      start: () => options.startThread('checkpointer'),
      pages: options.checkpointPages,
    })
    this.#overlap = new Overlap({
      log: options.log,
      writer,
      start: () => options.startThread('syncer'),
      onCommitted: committed => this.#queue.committed(committed),
      onFailed: error => this.#fail(error, options.log),
    })
    this.#queue = new CommitQueue({
      clock,
      writer,
      // Heads are filed for many changes at once, so several of them share a page.
      onSent: (changes, bytes) => this.#checkpointer.grow(changes / 4, bytes),
      toError: failure => errorOf(failure, this.#path),
      overlapped: () => this.#overlap.on,
      looksOut: options.looksOut,
      onMany: () => this.#overlap.begin(),
      publish: batch => this.#hub.publish(batch),
    })
    this.#keeper = new HistoryKeeper({
      clock,
      log: options.log,
      writer,
      limits: options.history ?? {},
      pinned: () => this.#hub.oldestReading,
      onWritten: pages => this.#checkpointer.grow(pages, 0),
      reserve: this.#reserve,
    })
    for (const thread of [writer, reader]) thread.onFailed = error => this.#fail(error, options.log)
  }

  /** The log is synced beside the writing: many commit at once. */
  get overlapped(): boolean {
    return this.#overlap.on
  }

  async revision(): Promise<Revision> {
    this.#checkOpen()
    return BigInt(await this.#writer.ask<number>({ type: 'revision' }))
  }

  async compacted(): Promise<Revision> {
    return BigInt((await this.usage()).oldest)
  }

  obstacle(): string | undefined {
    return this.#reserve.spent ? `no room on the disk for ${this.#path}: only deletions are written` : undefined
  }

  async sizeBytes(): Promise<number> {
    const { usedBytes, freeBytes } = await this.usage()
    return usedBytes + freeBytes
  }

  /** Bytes in use and free inside the file. */
  async usage(): Promise<Usage> {
    this.#checkOpen()
    return this.#writer.ask<Usage>({ type: 'usage' })
  }

  async revisionAt(timeMs: number): Promise<Revision> {
    this.#checkOpen()
    return BigInt(await this.#reader.ask<number>({ type: 'revisionAt', at: timeMs }))
  }

  async changes(key: Key, { limit, before }: { limit?: number; before?: Revision } = {}): Promise<KeyChange[]> {
    this.#checkOpen()
    const reply = await this.#reader.ask<ChangesReply>({
      type: 'changes',
      key,
      limit: limit ?? 0,
      before: before === undefined ? undefined : Number(before),
    })
    const unpacker = new Unpacker(reply)
    return Array.from({ length: reply.keys.length }, () => {
      const revision = BigInt(unpacker.number())
      const created = BigInt(unpacker.number())
      const timeMs = unpacker.number() || undefined
      return { revision, created, timeMs, value: unpacker.value(), author: unpackAuthor(unpacker) }
    })
  }

  async get(key: Key, at?: Revision): Promise<Versioned | undefined> {
    this.#checkOpen()
    const state = await this.#reader.ask<PackedState | undefined>({
      type: 'get',
      key,
      at: at === undefined ? undefined : Number(at),
    })
    return state && { key, value: state.value, revision: BigInt(state.revision), created: BigInt(state.created) }
  }

  async list(prefix: Key, page: Page = {}): Promise<Listing> {
    this.#checkOpen()
    for (;;) {
      try {
        return await this.#list(prefix, page)
      } catch (error) {
        // History moved past the revision of our first part; the caller asked for none, so begin anew.
        if (!(error instanceof Compacted) || page.at !== undefined) throw error
      }
    }
  }

  commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision> {
    try {
      this.#checkOpen()
      checkChanges(changes)
    } catch (error) {
      return Promise.reject(error)
    }
    const deletions = changes.every(c => c.value === undefined)
    if (this.#reserve.spent && !deletions)
      return Promise.reject(errorOf({ reason: 'full', message: 'only deletions are written' }, this.#path))
    return this.#queue.commit(changes, seen, author).catch(async error => {
      if (!(error instanceof StoreFull) || this.#closed) throw error
      const spent = this.#reserve.spend()
      this.#keeper.check()
      if (!deletions) throw error
      await spent
      return this.#queue.commit(changes, seen, author)
    })
  }

  watch(prefix: Key, from: Revision, signal: AbortSignal): Batches {
    return this.#hub.watch(prefix, from, signal)
  }

  async compact(revision: Revision): Promise<Revision> {
    this.#checkOpen()
    const oldest = BigInt(await this.#writer.ask<number>({ type: 'compact', revision: Number(revision) }))
    this.#keeper.sweep()
    return oldest
  }

  /** Resolves when what was compacted is also gone from the file (its pages are then free for new data). */
  swept(): Promise<void> {
    return this.#keeper.swept()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose()
    return this.#disposed
  }

  async #dispose(): Promise<void> {
    const crashed = this.#closed !== undefined
    this.#closed ??= new StoreFailed('the store is closed')
    await this.#keeper.stop()
    if (!crashed) await this.#queue.drain()
    this.#hub.close(this.#closed)
    // The writer last: it is the one that leaves a single, clean file.
    await this.#checkpointer.stop()
    await this.#reader.close().catch(() => {})
    await this.#overlap.stop()
    // What the disk now lacks for a clean mark is checked on the next start.
    await this.#reserve.close()
    await this.#writer.close()
    await this.#disk.remove(pidPath(this.#path))
  }

  /** In parts, each a short read of its own at one and the same revision. */
  async #list(prefix: Key, page: Page): Promise<Listing> {
    const to = prefixEnd(prefix)
    const entries: Versioned[] = []
    let at = page.at === undefined ? undefined : Number(page.at)
    // No key contains a zero character, so U+0001 makes the first possible key after another.
    let from = page.after === undefined || compareKeys(page.after, prefix) < 0 ? prefix : `${page.after}\u0001`
    let limit = page.limit ?? 0
    for (;;) {
      const request = { from, to, limit, at, count: limit > 0 && !page.uncounted }
      const reply = await this.#reader.ask<ListReply>({ type: 'list', list: request })
      at = reply.revision
      const unpacker = new Unpacker(reply)
      for (const key of reply.keys) {
        const revision = BigInt(unpacker.number())
        const created = BigInt(unpacker.number())
        entries.push({ key, revision, created, value: unpacker.value()! })
      }
      if (!reply.more || (limit > 0 && reply.keys.length === limit))
        return { entries, revision: BigInt(at), remaining: reply.remaining }
      if (limit > 0) limit -= reply.keys.length
      from = `${reply.keys.at(-1)!}\u0001`
    }
  }

  async #readHistory(prefix: Key, after: Revision, through: Revision): Promise<HistoryPage> {
    const reply = await this.#reader.ask<HistoryReply>({
      type: 'history',
      from: prefix,
      to: prefixEnd(prefix),
      after: Number(after),
      through: Number(through),
    })
    const unpacker = new Unpacker(reply)
    const batches: StoreBatch[] = []
    for (const key of reply.keys) {
      const revision = BigInt(unpacker.number())
      const created = BigInt(unpacker.number())
      const value = unpacker.value()
      if (batches.at(-1)?.revision !== revision) batches.push({ revision, events: [] })
      batches
        .at(-1)!
        .events.push({ type: value ? 'put' : 'delete', key, value, revision, created: value ? created : 0n })
    }
    return { batches, through: BigInt(reply.through) }
  }

  #fail(error: Error, log: Logger): void {
    if (this.#closed) return
    this.#closed = error
    log.error({ path: this.#path, error }, 'store failed')
    this.#queue.fail(error)
    this.#hub.close(error)
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closed
  }
}

function defaultWorker(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './sqlite-worker.js', import.meta.url)
}
