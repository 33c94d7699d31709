import { nextJump } from './chain.ts'
import { type Database, rollBack, type Statement } from './database.ts'
import { meta } from './schema.ts'

/** Where a key's last change is, as the writer needs it; see schema.ts. */
export interface Head {
  readonly position: number
  /** 0: deleted. */
  readonly created: number
  readonly changes: number
  /** See nextJump; the last one is the jump of this change. */
  readonly landings: readonly number[]
}

interface LogRow {
  position: number
  key: string
  created: number
  previous: number
  jump: number
  deleted: number
}

/** So many are remembered: those that are written again and again. */
const mostRemembered = 8192
/** So many changes may be in the log alone, unless told otherwise: a start and a reader read them again. */
export const mostUnfiled = 4096

/**
 * The heads of all keys. Only the writer changes them, so those that it read or wrote lately need no look into the file.
 *
 * Their table is not written with each commit: every one would write a page of it for each key, from all over the table. The log
 * says all that is in it; `meta.filed` is the position up to which the table has it, and what came later is here, and is filed
 * together, in the order of the keys.
 */
export class Heads {
  readonly #database: Database
  readonly #sql: ReturnType<typeof statements>
  readonly #recent = new Map<string, Head>()
  /** Changed since the table was last brought up to date. */
  #unfiled = new Map<string, Head>()
  /** Changed by the present transaction, by so many changes. */
  readonly #pending = new Map<string, Head>()
  #changes = 0
  /** Changes in the log that the table does not have. */
  #behind = 0
  readonly #mayBeBehind: number
  /** So many are too many. */
  #most: number
  /** Positions of the newest change that was settled, and of the newest that the table has. */
  #newest: number
  #filed: number

  /**
   * @param mayBeBehind how many changes the table may lack
   * @throws if the file cannot be read
   */
  constructor(database: Database, mayBeBehind: number) {
    this.#database = database
    this.#most = this.#mayBeBehind = mayBeBehind
    this.#sql = statements(database)
    this.#newest = this.#filed = meta(database, 'filed')
    for (const row of this.#sql.since.iterate(this.#newest) as Iterable<LogRow>) this.#replay(row)
    this.settle()
  }

  #replay({ position, key, created, previous, jump, deleted }: LogRow): void {
    const head = previous > 0 ? this.of(key) : undefined
    const changes = (head?.changes ?? 0) + 1
    this.#changed(key, { position, created: deleted ? 0 : created, changes, landings: [jump] })
  }

  of(key: string): Head | undefined {
    const known = this.#pending.get(key) ?? this.#unfiled.get(key) ?? this.#recent.get(key)
    if (known) return known
    const found = this.#sql.find.get(key) as (Omit<Head, 'landings'> & { jump: number }) | undefined
    if (!found) return undefined
    const { jump, ...rest } = found
    const head = { ...rest, landings: [jump] }
    this.#remember(key, head)
    return head
  }

  /**
   * The key changes, as part of the present transaction.
   * @param head what `of` gave
   * @param created 0: it is deleted
   * @returns the jump of the change (see nextJump)
   */
  change(key: string, head: Head | undefined, position: number, created: number): number {
    if (!head) {
      this.#changed(key, { position, created, changes: 1, landings: [0] })
      return 0
    }
    const changes = head.changes + 1
    const landings = [...head.landings]
    const jump = nextJump(changes, head.position, landings, this.#jumpAt)
    this.#changed(key, { position, created, changes, landings })
    return jump
  }

  #changed(key: string, head: Head): void {
    this.#pending.set(key, head)
    this.#changes++
  }

  /** The present transaction is written. */
  settle(): void {
    for (const [key, head] of this.#pending) {
      this.#unfiled.set(key, head)
      this.#recent.delete(key)
      this.#newest = Math.max(this.#newest, head.position)
    }
    this.#behind += this.#changes
    this.forget()
  }

  /** The present transaction was rolled back. */
  forget(): void {
    this.#pending.clear()
    this.#changes = 0
  }

  /** Whether the table wants to be brought up to date. */
  get many(): boolean {
    return this.#behind > this.#most
  }

  /** Brings the table up to date, in a transaction of its own. @throws if that fails: nothing is changed then */
  file(): void {
    if (this.#behind === 0) return
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      this.#sql.file.run()
      this.#sql.setFiled.run(this.#newest)
      this.#database.exec('COMMIT')
    } catch (error) {
      rollBack(this.#database)
      // On a full disk there may be room later.
      this.#most = this.#behind + this.#mayBeBehind
      throw error
    }
    const filed = this.#unfiled
    this.#unfiled = new Map()
    this.#filed = this.#newest
    this.#behind = 0
    this.#most = this.#mayBeBehind
    for (const [key, head] of filed) this.#remember(key, head)
  }

  /** Sees to it that the table has every change up to a position. @throws as `file` */
  fileUpTo(position: number): void {
    if (this.#filed < position) this.file()
  }

  readonly #jumpAt = (position: number): number =>
    (this.#sql.jump.get(position) as { jump: number } | undefined)?.jump ?? 0

  /** A deletion is not remembered: the sweeper takes its head away. */
  #remember(key: string, head: Head): void {
    if (head.created === 0) return
    if (this.#recent.size >= mostRemembered) this.#recent.clear()
    this.#recent.set(key, head)
  }
}

function statements(database: Database) {
  const p = (sql: string): Statement => database.prepare(sql)
  return {
    find: p('SELECT position, created, changes, jump FROM heads WHERE key = ?'),
    jump: p('SELECT jump FROM log WHERE position = ?'),
    since: p(
      `SELECT position, key, created, previous, jump, typeof(value) = 'null' AS deleted FROM log
       WHERE position > ? ORDER BY position`,
    ),
    file: p(
      `INSERT INTO heads(key, position, created, changes, first, jump)
       SELECT late.key, l.position, iif(l.value IS NULL, 0, l.created), late.changes, late.first, l.jump FROM (
         SELECT key, max(position) AS last, min(position) AS first, count(*) AS changes FROM log
         WHERE position > (SELECT value FROM meta WHERE name = 'filed') GROUP BY key) late
       CROSS JOIN log l ON l.position = late.last WHERE true
       ON CONFLICT(key) DO UPDATE SET position = excluded.position, created = excluded.created,
         changes = changes + excluded.changes, jump = excluded.jump`,
    ),
    setFiled: p(`UPDATE meta SET value = ? WHERE name = 'filed'`),
  }
}
