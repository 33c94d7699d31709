import { join } from 'node:path'
import type { Database } from '../../src/db/sqlite/database.ts'
import { type Contender, folder, keyCount, keys, nextValue } from './load.ts'
import { logAndHeads, openBare, transaction } from './raw-rows.ts'

/**
 * A bare database that writes in transactions of `batch`: the same rows of the same tables as the store, or a log of the key and the
 * value only.
 */
export class RawSqlite implements Contender {
  readonly #database: Database
  readonly #write: (key: string, value: Uint8Array) => void
  readonly #batch: number
  #n = 0

  constructor(batch: number, withHeads: boolean) {
    this.#batch = batch
    this.#database = openBare(join(folder, `raw-${withHeads}-${batch}.db`))
    this.#write = withHeads ? logAndHeads(this.#database) : logOnly(this.#database)
  }

  async slice(seconds: number): Promise<number> {
    const before = this.#n
    const start = performance.now()
    while (performance.now() - start < seconds * 1000)
      transaction(this.#database, () => {
        for (let i = 0; i < this.#batch; i++) this.#write(keys[++this.#n % keyCount]!, nextValue())
      })
    return ((this.#n - before) / (performance.now() - start)) * 1000
  }

  close(): void {
    this.#database.close()
  }
}

function logOnly(database: Database): (key: string, value: Uint8Array) => void {
  database.exec('CREATE TABLE bare(position INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB)')
  const insert = database.prepare('INSERT INTO bare VALUES (?, ?, ?)')
  let n = 0
  return (key, value) => void insert.run(++n, key, value)
}
