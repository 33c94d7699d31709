import { SyncedFile } from '../../base/synced-file.ts'
import { Authors } from './authors.ts'
import { readChanges, skipChanges, split } from './commit-group.ts'
import {
  backfill,
  codes,
  type Database,
  type OpenDatabase,
  rollBack,
  type Statement,
  single,
  sqliteCode,
} from './database.ts'
import { Differences } from './differences.ts'
import { Durable } from './durable.ts'
import { failureOf, ThreadFailure } from './failure.ts'
import { type Head, Heads } from './heads.ts'
import { check, configure, syncByHand, takeLock } from './open-file.ts'
import { Packer, Unpacker } from './packing.ts'
import type {
  Backfill,
  CommitGroup,
  CommitResult,
  Failure,
  Opened,
  SweepReply,
  ThreadOptions,
  Usage,
} from './protocol.ts'
import { firstPosition, lastPosition, meta, migrate, revisionOf } from './schema.ts'
import { slice } from './slice.ts'
import { keepFrom, Sweeper } from './sweeper.ts'
import { failedResult, notTaken } from './syncer.ts'
import { vacuum } from './vacuum.ts'
import { WholeValues } from './whole-values.ts'

/** Bytes of one transaction; a group beyond that is written in several. */
const groupBytes = 32 << 20

/** A change on its way into the log. */
interface Write {
  key: string
  value: Uint8Array | undefined
  created: number
  head: Head | undefined
  position: number
  author: { number: number; request: Uint8Array | null }
}

/** The one who writes: owns the file, on its own thread. Everything here is synchronous. */
export class Writer {
  readonly #database: Database
  readonly #lock: Database
  readonly #sql: ReturnType<typeof statements>
  readonly #values: WholeValues
  readonly #authors: Authors
  readonly #differences: Differences
  readonly #packer = new Packer()
  readonly #sweeper: Sweeper
  readonly #heads: Heads
  #revision: number
  #oldest: number
  #lastMoment: number
  /** When the last change was written; never goes back. */
  #now: number
  /** Why nothing more may be written: after a failed fsync nobody knows what the disk has. */
  #broken: Failure | undefined
  readonly #durable: Durable
  readonly #log: SyncedFile

  /** @throws ThreadFailure */
  static open(open: OpenDatabase, options: ThreadOptions): { writer: Writer; opened: Opened } {
    const lock = takeLock(open, `${options.path}.lock`)
    let database: Database | undefined
    try {
      database = open(options.path, { timeout: 5000 })
      configure(database, options)
      migrate(database)
      const unclean = meta(database, 'stopped') === 0
      const checkedMs =
        unclean && options.check === 'auto' ? check(database) : options.check === 'always' ? check(database) : 0
      database.exec(`UPDATE meta SET value = 0 WHERE name = 'stopped'`)
      const writer = new Writer(database, lock, options)
      return {
        writer,
        opened: { opened: true, revision: writer.#revision, oldest: writer.#oldest, unclean, checkedMs },
      }
    } catch (error) {
      database?.close()
      lock.close()
      throw error
    }
  }

  private constructor(database: Database, lock: Database, options: ThreadOptions) {
    this.#database = database
    this.#lock = lock
    this.#sql = statements(database)
    this.#values = new WholeValues(database)
    this.#differences = new Differences(database, this.#values)
    this.#authors = new Authors(database)
    this.#heads = new Heads(database, options.headsBehind)
    this.#sweeper = new Sweeper(database)
    const last = single(database, 'SELECT max(position) FROM log') as number | null
    this.#revision = Math.max(last === null ? 0 : revisionOf(last), meta(database, 'floor'))
    this.#oldest = meta(database, 'oldest')
    this.#lastMoment = (single(database, 'SELECT max(at) FROM moments') as number | null) ?? 0
    const at = single(database, 'SELECT at FROM log ORDER BY position DESC LIMIT 1') as number | undefined
    this.#now = Math.max(at ?? 0, this.#lastMoment)
    // What opening wrote is on the disk, and with it all that was there before. From now on we do that ourselves.
    syncByHand(database)
    this.#log = new SyncedFile(`${options.path}-wal`)
    this.#durable = new Durable(options.durable)
    this.#durable.advance(this.#revision)
  }

  /** Written; see Durable for how much of that is on the disk. */
  get revision(): number {
    return this.#revision
  }

  /** Makes durable every commit that was written. @throws if that fails: then nothing more is written */
  sync(): void {
    if (this.#broken) throw new ThreadFailure(this.#broken)
    if (this.#durable.revision < this.#revision || this.#durable.lost) this.#sync()
  }

  #sync(): void {
    try {
      this.#log.sync()
      if (this.#durable.lost) throw new Error(notTaken)
      this.#durable.advance(this.#revision)
    } catch (error) {
      this.#durable.lose()
      this.#broken = failureOf(error)
      throw error
    }
  }

  /** Writes all commits of the groups in one transaction; one result per group, valid only once they are durable: see `sync`. */
  commit(groups: CommitGroup[]): CommitResult[] {
    const results: CommitResult[] = []
    for (let i = 0; i < groups.length; ) {
      const together: CommitGroup[] = []
      for (let size = 0; i < groups.length && (size === 0 || size + groups[i]!.bytes.length <= groupBytes); i++) {
        size += groups[i]!.bytes.length + 1
        together.push(groups[i]!)
      }
      results.push(...this.#transaction(together))
    }
    return results
  }

  #transaction(groups: CommitGroup[]): CommitResult[] {
    if (this.#durable.lost) this.refuse(notTaken)
    if (this.#broken) return groups.map(g => failedResult(g.commits, this.#broken!))
    const revision = this.#revision
    try {
      this.#sql.begin.run()
      const results = groups.map(g => this.#apply(g))
      this.#sql.commit.run()
      this.#heads.settle()
      return results
    } catch (error) {
      this.#revision = revision
      this.#rollBack()
      const code = sqliteCode(error)
      if (code === codes.full && groups.length + groups[0]!.commits > 2) return groups.flatMap(g => this.#oneByOne(g))
      const failure = failureOf(error)
      if (code !== codes.full) this.#broken = failure
      return groups.map(g => failedResult(g.commits, failure))
    }
  }

  /** When the disk is full, what is small or frees space may still get through. */
  #oneByOne(group: CommitGroup): CommitResult[] {
    const numbers: number[] = []
    const failures: Failure[] = []
    for (const single of split(group)) {
      const result = this.#transaction([single])[0]!
      numbers.push(...result.numbers)
      failures.push(...result.failures)
    }
    return [{ commits: group.commits, numbers: Float64Array.from(numbers), failures }]
  }

  #apply(group: CommitGroup): CommitResult {
    const input = new Unpacker(group)
    const output = this.#packer
    const failures: Failure[] = []
    this.#now = Math.max(this.#now, group.now)
    this.#markMoment(this.#now)
    for (let c = 0; c < group.commits; c++) {
      const seen = input.number()
      const changes = input.number()
      const moved = this.#movedOn(input, seen)
      if (moved) {
        failures.push(moved)
        output.number(-1)
        skipChanges(input, changes)
      } else this.#applyOne(input, changes, output)
    }
    return { commits: group.commits, numbers: output.finish().numbers, failures }
  }

  /** Reads the seen revisions; the first key that is not at its one. */
  #movedOn(input: Unpacker, seen: number): Failure | undefined {
    let moved: Failure | undefined
    for (let i = 0; i < seen; i++) {
      const key = input.text()
      const wanted = input.number()
      if (moved) continue
      const head = this.#heads.of(key)
      const actual = head && head.created > 0 ? revisionOf(head.position) : 0
      if (actual === wanted) continue
      moved = {
        reason: 'conflict',
        key,
        actual:
          actual > 0
            ? { value: this.#values.at(head!.position)!, revision: actual, created: head!.created }
            : undefined,
      }
    }
    return moved
  }

  #applyOne(input: Unpacker, changes: number, output: Packer): void {
    const revision = this.#revision + 1
    const position = firstPosition(revision)
    let written = 0
    const createds: number[] = []
    const wanted = readChanges(input, changes)
    const author = { number: this.#authors.numberOf(input.text()), request: input.value() ?? null }
    for (const { key, value } of wanted) {
      const head = this.#heads.of(key)
      const live = head !== undefined && head.created > 0
      if (value === undefined && !live) {
        createds.push(0)
        continue
      }
      const created = live ? head.created : revision
      this.#write({ key, value, created, head, position: position + written++, author })
      createds.push(created)
    }
    if (written > 0) this.#revision = revision
    output.number(this.#revision)
    for (const created of createds) output.number(created)
  }

  #write({ key, value, created, head, position, author }: Write): void {
    const liveSince = value === undefined ? 0 : created
    const { number, request } = author
    const previous = head?.position ?? 0
    const jump = this.#heads.change(key, head, position, liveSince)
    const { base, bytes } = this.#differences.kept(key, value, head, position)
    this.#sql.insertLog.run(position, this.#now, key, created, previous, jump, base, bytes, number, request)
  }

  /** Notes once a second which revisions are older than now. A clock that was set back stands still here. */
  #markMoment(now: number): void {
    if (now < this.#lastMoment + 1000) return
    this.#sql.insertMoment.run(now, this.#revision)
    this.#lastMoment = now
  }

  #rollBack(): void {
    rollBack(this.#database)
    this.#packer.clear()
    this.#authors.forget()
    this.#heads.forget()
    this.#differences.forget()
    this.#lastMoment = (single(this.#database, 'SELECT max(at) FROM moments') as number | null) ?? 0
  }

  /** History before `revision` is unreadable from now on; `sweep` then removes it bit by bit. */
  compact(revision: number): number {
    const newest = this.#durable.revision
    if (revision > newest) throw new ThreadFailure({ reason: 'future', wanted: revision, newest })
    if (revision > this.#oldest) {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        keepFrom(this.#database, revision)
        this.#database.exec('COMMIT')
      } catch (error) {
        this.#rollBack()
        throw error
      }
      this.#sync()
      this.#oldest = revision
    }
    return this.#oldest
  }

  /** Brings the table of heads up to date, if it is far behind. A full disk leaves it for later. */
  upkeep(): void {
    if (!this.#heads.many || this.#broken || this.#durable.lost) return
    try {
      this.#heads.file()
    } catch (error) {
      if (sqliteCode(error) !== codes.full) this.#broken = failureOf(error)
    }
  }

  /** See Sweeper. */
  sweep(rows: number, isOver = slice()): SweepReply {
    this.#heads.fileUpTo(lastPosition(this.#oldest))
    return this.#sweeper.sweep(rows, this.#oldest, this.#revision, isOver)
  }

  /** See Authors. */
  sweepAuthors(isOver = slice()): boolean {
    return this.#authors.sweep(isOver)
  }

  /** See vacuum.ts. */
  vacuum(pages: number, isOver = slice()): number {
    return vacuum(this.#database, pages, isOver)
  }

  /** Nothing more is written: what the file has is not known any more. */
  refuse(message: string): void {
    this.#broken ??= { reason: 'failed', message }
  }

  /** What the checkpointer left: with that, the log begins anew. */
  backfill(): Backfill {
    return backfill(this.#database)
  }

  /** What the log says goes into the file: only then does the disk get back what was vacuumed. Left for later while somebody reads. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  usage(): Usage {
    const pageSize = single(this.#database, 'PRAGMA page_size') as number
    const pages = single(this.#database, 'PRAGMA page_count') as number
    const free = single(this.#database, 'PRAGMA freelist_count') as number
    return {
      usedBytes: (pages - free) * pageSize,
      freeBytes: free * pageSize,
      oldest: this.#oldest,
      revision: this.#durable.revision,
    }
  }

  /** Newest revision that was written before `at`, as far as the moments tell (to the second); the oldest kept if none. */
  momentAt(at: number): number {
    const next = this.#database.prepare('SELECT revision FROM moments WHERE at > ? ORDER BY at LIMIT 1').get(at) as
      | { revision: number }
      | undefined
    return Math.max(Math.min(next ? next.revision : this.#revision, this.#durable.revision), this.#oldest)
  }

  /** After this the file is one file, marked as cleanly stopped. */
  close(): void {
    try {
      if (this.#broken) return
      this.#heads.file()
      this.#database.exec(`UPDATE meta SET value = 1 WHERE name = 'stopped'`)
    } catch (error) {
      // On a full disk the mark cannot be set; the next start checks the file instead.
      if (sqliteCode(error) !== codes.full) throw error
    } finally {
      this.#log.close()
      this.#database.close()
      this.#lock.close()
    }
  }
}

function statements(database: Database) {
  const p = (sql: string): Statement => database.prepare(sql)
  return {
    begin: p('BEGIN IMMEDIATE'),
    commit: p('COMMIT'),
    insertLog: p(
      `INSERT INTO log(position, at, key, created, previous, jump, base, value, author, request)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertMoment: p('INSERT INTO moments(at, revision) VALUES (?, ?)'),
  }
}
