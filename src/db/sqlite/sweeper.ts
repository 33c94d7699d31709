import { type Database, rollBack, type Statement } from './database.ts'
import type { SweepReply } from './protocol.ts'
import { firstPosition, lastPosition, meta, revisionOf } from './schema.ts'

/** A row of the log as the sweeper needs it. */
interface Swept {
  position: number
  key: string
  previous: number
  base: number
  deleted: number
}

/** Notes that history before `revision` is unreadable from now on, and when that revision was written. Inside a transaction of the caller. */
export function keepFrom(database: Database, revision: number): void {
  database.prepare(`UPDATE meta SET value = ? WHERE name = 'oldest'`).run(revision)
  database
    .prepare(
      `INSERT OR REPLACE INTO meta SELECT 'oldestAt', at FROM log WHERE position <= ? ORDER BY position DESC LIMIT 1`,
    )
    .run(lastPosition(revision))
}

/** Removes from the log what history no longer needs. Runs on the writer's thread. */
export class Sweeper {
  readonly #database: Database
  readonly #sql: ReturnType<typeof statements>

  constructor(database: Database) {
    this.#database = database
    this.#sql = statements(database)
  }

  /**
   * Removes what `rows` rows of the log made unreadable: the state before each, and deletions. Each row is visited once, since
   * each names the one that it replaced. The last row stays: it tells the newest revision.
   * @param isOver asked after each row, since a row may free a thousand pages or none
   */
  sweep(rows: number, oldest: number, revision: number, isOver: () => boolean): SweepReply {
    const end = Math.min(lastPosition(oldest), firstPosition(revision) - 1)
    const start = meta(this.#database, 'swept')
    const batch = this.#sql.sweepable.all(start, end, rows) as Swept[]
    if (batch.length === 0) return { done: true, removed: 0 }
    let removed = 0
    let visited = 0
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      do removed += this.#visit(batch[visited++]!)
      while (visited < batch.length && !isOver())
      const swept = batch[visited - 1]!.position
      this.#sql.setSwept.run(swept)
      this.#sql.forgetMoments.run(revisionOf(swept))
      this.#database.exec('COMMIT')
    } catch (error) {
      rollBack(this.#database)
      throw error
    }
    return { done: visited === batch.length && batch.length < rows, removed }
  }

  #visit(row: Swept): number {
    const replaced = row.previous > 0 ? this.#removeReplaced(row) : 0
    if (!row.deleted) return replaced
    const head = this.#sql.headPosition.get(row.key) as { position: number } | undefined
    if (head?.position === row.position) this.#sql.deleteHead.run(row.key)
    return replaced + this.#remove(row.position)
  }

  /** A whole value stays for as long as what differs from it; it goes with the last one of those. */
  #removeReplaced({ previous, base }: Swept): number {
    if (base === previous) return 0
    const replaced = this.#sql.baseOf.get(previous) as { base: number } | undefined
    if (!replaced) return 0
    const alone = replaced.base > 0 && replaced.base !== base
    return this.#remove(previous) + (alone ? this.#remove(replaced.base) : 0)
  }

  #remove(position: number): number {
    return Number(this.#sql.deleteLog.run(position).changes)
  }
}

function statements(database: Database) {
  const p = (sql: string): Statement => database.prepare(sql)
  return {
    sweepable: p(
      `SELECT position, key, previous, base, typeof(value) = 'null' AS deleted FROM log
       WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
    ),
    deleteLog: p('DELETE FROM log WHERE position = ?'),
    deleteHead: p('DELETE FROM heads WHERE key = ?'),
    setSwept: p(`UPDATE meta SET value = ? WHERE name = 'swept'`),
    forgetMoments: p('DELETE FROM moments WHERE at < (SELECT max(at) FROM moments WHERE revision <= ?)'),
    baseOf: p('SELECT base FROM log WHERE position = ?'),
    headPosition: p('SELECT position FROM heads WHERE key = ?'),
  }
}
