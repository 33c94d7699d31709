import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Database, loadSqlite } from '../../src/db/sqlite/database.ts'
import { configure } from '../../src/db/sqlite/open-file.ts'
import { migrate } from '../../src/db/sqlite/schema.ts'
import { type Contender, folder, keyCount, keys, nextValue } from './load.ts'

export const openSqlite = await loadSqlite()
const request = randomBytes(16)

/**
 * A bare database that writes in transactions of `batch`: the same rows of the same tables as the store (looks up the head, appends
 * to the log, replaces the head), or a log of the key and the value only.
 */
export class RawSqlite implements Contender {
  readonly #database: Database
  readonly #write: (n: number) => void
  readonly #batch: number
  #n = 0

  constructor(batch: number, withHeads: boolean) {
    this.#batch = batch
    this.#database = openSqlite(join(folder, `raw-${withHeads}-${batch}.db`))
    configure(this.#database, { checkpointPages: 4000 })
    migrate(this.#database)
    this.#write = withHeads ? logAndHeads(this.#database) : logOnly(this.#database)
  }

  async slice(seconds: number): Promise<number> {
    const before = this.#n
    const start = performance.now()
    while (performance.now() - start < seconds * 1000) {
      this.#database.exec('BEGIN IMMEDIATE')
      for (let i = 0; i < this.#batch; i++) this.#write(++this.#n)
      this.#database.exec('COMMIT')
    }
    return ((this.#n - before) / (performance.now() - start)) * 1000
  }

  close(): void {
    this.#database.close()
  }
}

function logOnly(database: Database): (n: number) => void {
  database.exec('CREATE TABLE bare(position INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB)')
  const insert = database.prepare('INSERT INTO bare VALUES (?, ?, ?)')
  return n => void insert.run(n, keys[n % keyCount]!, nextValue())
}

function logAndHeads(database: Database): (n: number) => void {
  const log = database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const find = database.prepare('SELECT position, created, changes, jump FROM heads WHERE key = ?')
  const add = database.prepare('INSERT INTO heads VALUES (?, ?, ?, 1, ?, 0)')
  const replace = database.prepare('UPDATE heads SET position = ?, created = ?, changes = ?, jump = ? WHERE key = ?')
  return n => {
    const key = keys[n % keyCount]!
    const position = n * 1024
    const head = find.get(key) as { position: number; created: number; changes: number } | undefined
    const created = head?.created ?? position
    log.run(position, Date.now(), key, created, head?.position ?? 0, 0, 0, nextValue(), 1, request)
    if (head) replace.run(position, created, head.changes + 1, 0, key)
    else add.run(key, position, created, position)
  }
}
