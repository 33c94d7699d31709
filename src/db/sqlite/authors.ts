import type { Database, Statement } from './database.ts'

/** The names of users, each kept once: the log has their numbers. Only the writer adds some. */
export class Authors {
  readonly #byName = new Map<string, number>()
  readonly #find: Statement
  readonly #insert: Statement

  constructor(database: Database) {
    this.#find = database.prepare('SELECT id FROM authors WHERE name = ?')
    this.#insert = database.prepare('INSERT INTO authors(name) VALUES (?)')
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
}
