import { compareKeys } from '../key.ts'
import type { Database, OpenDatabase, Statement } from './database.ts'
import { single } from './database.ts'
import { Durable } from './durable.ts'
import { ThreadFailure } from './failure.ts'
import { type LateChange, LateChanges } from './late-changes.ts'
import { Packer } from './packing.ts'
import type { ChangesReply, HistoryReply, ListReply, ListRequest, PackedState, ThreadOptions } from './protocol.ts'
import { lastPosition, meta, optionalMeta, revisionOf } from './schema.ts'
import { atThen, headsThen, positionThen } from './then.ts'
import { type KeptValue, madeWhole, WholeValues } from './whole-values.ts'

/** A reply stops after so many bytes or rows, so that no read transaction stays open long and no message is huge. */
const replyBytes = 4 << 20
const replyRows = 4000

/** Every text sorts before every blob. */
const noEnd = new Uint8Array(0)

interface Row extends KeptValue {
  key: string
  position: number
  created: number
}

/** The state of a key, with the whole value from which it differs. */
interface StateRow extends Row {
  whole: Uint8Array | null
}

interface ChangeRow extends KeptValue {
  /** null: nobody was named. */
  author: string | null
  request: Uint8Array | null
  at: number
  created: number
  previous: number
}

interface EventRow extends Row {
  matches: number
}

/** What remains after a page is counted exactly while at most so many keys have changed since; else it is an estimate. */
const exactCount = 2000

/** Reads on its own connection and thread; each reply is one short read transaction. */
export class HistoryReader {
  readonly #database: Database
  readonly #sql: ReturnType<typeof statements>
  readonly #values: WholeValues
  readonly #late: LateChanges
  readonly #durable: Durable

  constructor(open: OpenDatabase, options: ThreadOptions) {
    this.#durable = new Durable(options.durable)
    this.#database = open(options.path, { readOnly: true, timeout: 5000 })
    // Only the writer may move the log of SQLite into the file.
    this.#database.exec('PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192')
    this.#sql = statements(this.#database)
    this.#values = new WholeValues(this.#database)
    this.#late = new LateChanges(this.#database)
  }

  get(key: string, at: number | undefined): PackedState | undefined {
    return this.#snapshot(at, newest => {
      const max = lastPosition(at ?? newest)
      const late = this.#late.at(key, max)
      const row = late ? this.#state(late) : (this.#sql.get.get(max, key) as StateRow | undefined)
      const value = row && madeWhole(row, row.whole)
      return value && { value, revision: revisionOf(row.position), created: row.created }
    })
  }

  list(request: ListRequest): ListReply {
    return this.#snapshot(request.at, newest => {
      const at = request.at ?? newest
      const packer = new Packer()
      const max = lastPosition(at)
      const to = request.to ?? noEnd
      const limit = Math.min(request.limit || replyRows, replyRows)
      const late = this.#late.within(request.from, request.to, max)
      let more = false
      for (const row of this.#states(max, request.from, to, late)) {
        if (packer.keys.length === limit || packer.size >= replyBytes) {
          more = true
          break
        }
        packer.keys.push(row.key)
        packer.number(revisionOf(row.position))
        packer.number(row.created)
        packer.value(madeWhole(row, row.whole))
      }
      const { keys, numbers, bytes } = packer.finish()
      // Without the last key: from whatever sorts right after it.
      const rest = `${keys.at(-1)}\u0001`
      const counted = () =>
        this.#count(rest, to, max) + this.#late.gained(late.filter(c => compareKeys(c.key, rest) >= 0))
      const remaining = !more ? 0 : request.count ? counted() : 1
      return { keys, numbers, bytes, revision: at, more, remaining }
    })
  }

  /** What the table of heads leads to, and in its place what changed later, in the order of the keys. */
  *#states(max: number, from: string, to: string | Uint8Array, late: readonly LateChange[]): Iterable<StateRow> {
    const there = late.filter(change => !change.deleted)
    const replaced = new Set(late.map(change => change.key))
    let next = 0
    for (const row of this.#sql.list.iterate(max, from, to) as Iterable<StateRow>) {
      while (next < there.length && compareKeys(there[next]!.key, row.key) <= 0) yield this.#state(there[next++]!)
      if (!replaced.has(row.key)) yield row
    }
    while (next < there.length) yield this.#state(there[next++]!)
  }

  #state({ position }: LateChange): StateRow {
    return this.#sql.state.get(position) as StateRow
  }

  #count(from: string, to: string | Uint8Array, max: number): number {
    const count = this.#sql.count.get(max, from, to) as { unchanged: number; changed: number }
    const { live } = this.#sql.countLive.get(max, from, to, exactCount) as { live: number }
    return count.unchanged + live + Math.max(count.changed - exactCount, 0)
  }

  history(from: string, to: string | undefined, after: number, through: number): HistoryReply {
    return this.#snapshot(after, newest => {
      const packer = new Packer()
      const end = Math.min(through, newest)
      const rows = this.#sql.history.iterate(
        from,
        to ?? noEnd,
        lastPosition(after),
        lastPosition(end),
      ) as Iterable<EventRow>
      let scanned = 0
      let last = after
      for (const row of rows) {
        const revision = revisionOf(row.position)
        // Only whole commits.
        if (revision !== last && (scanned >= replyRows || packer.size >= replyBytes)) return this.#page(packer, last)
        last = revision
        scanned++
        if (!row.matches) continue
        packer.keys.push(row.key)
        packer.number(revision)
        packer.number(row.created)
        packer.value(this.#values.of(row))
      }
      return this.#page(packer, end)
    })
  }

  /** Steps back through the key's changes, as far as history goes. */
  changes(key: string, limit: number, before: number | undefined): ChangesReply {
    return this.#snapshot(undefined, newest => {
      const packer = new Packer()
      const oldest = lastPosition(meta(this.#database, 'oldest'))
      const max = lastPosition(before === undefined ? newest : Math.min(before - 1, newest))
      const then =
        this.#late.at(key, max) ?? (this.#sql.positionThen.get(max, key) as { position: number | null } | undefined)
      let position = then?.position ?? 0
      for (let count = 0; position > 0 && (limit === 0 || count < limit); count++) {
        const row = this.#sql.change.get(position) as ChangeRow | undefined
        // What is older than the history belongs to it only as the state that history begins with.
        if (!row || (position <= oldest && row.value === null)) break
        packer.number(revisionOf(position))
        packer.number(row.created)
        packer.number(row.at)
        packer.value(this.#values.of(row))
        packer.keys.push(row.author ?? '')
        packer.value(row.request)
        position = position <= oldest ? 0 : row.previous
      }
      const { keys, numbers, bytes } = packer.finish()
      return { keys, numbers, bytes }
    })
  }

  /** The newest revision written by `at`; moments tell the second, the log the rest. */
  revisionAt(at: number): number {
    return this.#snapshot(undefined, newest => {
      const oldest = meta(this.#database, 'oldest')
      const before = this.#sql.momentBefore.get(at) as { revision: number } | undefined
      const after = this.#sql.momentAfter.get(at) as { revision: number } | undefined
      const from = before?.revision ?? 0
      const last = this.#sql.lastBy.get(lastPosition(from), lastPosition(after?.revision ?? newest), at) as {
        position: number | null
      }
      const found = Math.min(last.position === null ? from : revisionOf(last.position), newest)
      // Rows of the log up to `oldest` may be gone, and with them what tells their times.
      if (found >= oldest) return found
      if (at < (optionalMeta(this.#database, 'oldestAt') ?? 0))
        throw new ThreadFailure({ reason: 'compacted', wanted: found, oldest })
      return oldest
    })
  }

  close(): void {
    this.#database.close()
  }

  #page(packer: Packer, through: number): HistoryReply {
    const { keys, numbers, bytes } = packer.finish()
    return { keys, numbers, bytes, through }
  }

  /** Runs `read` in one read transaction in which `at` is readable. */
  #snapshot<T>(at: number | undefined, read: (newest: number) => T): T {
    this.#database.exec('BEGIN')
    try {
      const last = single(this.#database, 'SELECT max(position) FROM log') as number | null
      const written = Math.max(last === null ? 0 : revisionOf(last), meta(this.#database, 'floor'))
      // Asked only now: of what was compacted, all was durable before.
      const newest = Math.min(written, this.#durable.revision)
      if (at !== undefined) {
        const oldest = meta(this.#database, 'oldest')
        if (at < oldest) throw new ThreadFailure({ reason: 'compacted', wanted: at, oldest })
        if (at > newest) throw new ThreadFailure({ reason: 'future', wanted: at, newest })
      }
      this.#late.update()
      return read(newest)
    } finally {
      this.#database.exec('COMMIT')
    }
  }
}

function statements(database: Database) {
  const p = (sql: string): Statement => database.prepare(sql)
  return {
    get: p(`${atThen} WHERE h.key = ?2`),
    state: p(
      `SELECT l.key, l.position, l.created, l.base, l.value, w.value AS whole
       FROM log l LEFT JOIN log w ON l.base > 0 AND w.position = l.base WHERE l.position = ?`,
    ),
    list: p(`${atThen} WHERE ${headsThen} AND l.value IS NOT NULL ORDER BY h.key`),
    positionThen: p(`SELECT ${positionThen} AS position FROM heads h WHERE h.key = ?2`),
    count: p(
      `SELECT count(*) FILTER (WHERE h.position <= ?1) AS unchanged, count(*) FILTER (WHERE h.position > ?1) AS changed
       FROM heads h WHERE ${headsThen}`,
    ),
    countLive: p(
      `SELECT count(*) AS live FROM (SELECT * FROM heads h WHERE ${headsThen} AND h.position > ?1 ORDER BY key LIMIT ?4) h
       CROSS JOIN log l ON l.position = ${positionThen} WHERE typeof(l.value) <> 'null'`,
    ),
    history: p(
      `SELECT position, key, created, base, key >= ?1 AND key < ?2 AS matches,
         CASE WHEN key >= ?1 AND key < ?2 THEN value END AS value
       FROM log WHERE position > ?3 AND position <= ?4 ORDER BY position`,
    ),
    change: p(
      `SELECT l.at, l.created, l.previous, l.base, l.value, l.request, a.name AS author
       FROM log l LEFT JOIN authors a ON a.id = l.author WHERE l.position = ?`,
    ),
    momentBefore: p('SELECT revision FROM moments WHERE at <= ? ORDER BY at DESC LIMIT 1'),
    momentAfter: p('SELECT revision FROM moments WHERE at > ? ORDER BY at LIMIT 1'),
    lastBy: p('SELECT max(position) AS position FROM log WHERE position > ? AND position <= ? AND at <= ?'),
  }
}
