import { type Database, rollBack, type Statement, single } from './database.ts'

/** So many names are no burden, whoever they are of. */
export const fewAuthors = 1024
/** Rows of the log that are looked at before the time is. */
const rowsAtOnce = 100

/** The names of users, each kept once: the log has their numbers. Only the writer adds some, and takes them away. */
export class Authors {
  readonly #database: Database
  readonly #byName = new Map<string, number>()
  readonly #find: Statement
  readonly #insert: Statement
  readonly #named: Statement
  /** How far the log was looked through for the numbers that it still has. */
  #look: { position: number; numbers: Set<number> } | undefined
  /** As many names as were left then: only once there are twice as many, it is worth another look. */
  #left = fewAuthors / 2

  constructor(database: Database) {
    this.#database = database
    this.#find = database.prepare('SELECT id FROM authors WHERE name = ?')
    this.#insert = database.prepare('INSERT INTO authors(name) VALUES (?)')
    this.#named = database.prepare('SELECT position, author FROM log WHERE position > ? ORDER BY position LIMIT ?')
  }

  /** 0 for ''; within the transaction that needs it. */
  numberOf(name: string): number {
    if (name === '') return 0
    let id = this.#byName.get(name)
    if (id === undefined) {
      const found = this.#find.get(name) as { id: number } | undefined
      id = found?.id ?? Number(this.#insert.run(name).lastInsertRowid)
      this.#byName.set(name, id)
    }
    return id
  }

  /** After a transaction that was rolled back. */
  forget(): void {
    this.#byName.clear()
  }

  /**
   * Removes the names that no change has any more, if there are many: a part of the work each time.
   * @returns whether nothing is left to do for now
   */
  sweep(isOver: () => boolean): boolean {
    if (!this.#look) {
      if ((single(this.#database, 'SELECT count(*) FROM authors') as number) < this.#left * 2) return true
      this.#look = { position: 0, numbers: new Set() }
    }
    // The log grows at its end only, so whatever is written meanwhile is looked at too.
    for (;;) {
      const rows = this.#named.all(this.#look.position, rowsAtOnce) as { position: number; author: number }[]
      for (const { author } of rows) this.#look.numbers.add(author)
      this.#look.position = rows.at(-1)?.position ?? this.#look.position
      if (rows.length < rowsAtOnce) break
      if (isOver()) return false
    }
    this.#remove(this.#look.numbers)
    this.#look = undefined
    return true
  }

  #remove(kept: ReadonlySet<number>): void {
    const ids = (this.#database.prepare('SELECT id FROM authors').all() as { id: number }[]).map(row => row.id)
    const remove = this.#database.prepare('DELETE FROM authors WHERE id = ?')
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const id of ids) if (!kept.has(id)) remove.run(id)
      this.#database.exec('COMMIT')
    } catch (error) {
      rollBack(this.#database)
      throw error
    }
    this.#left = Math.max(ids.filter(id => kept.has(id)).length, fewAuthors / 2)
    this.forget()
  }
}
