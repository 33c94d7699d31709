import { randomBytes } from 'node:crypto'
import { type Database, loadSqlite } from '../../src/db/sqlite/database.ts'
import { configure } from '../../src/db/sqlite/open-file.ts'
import { migrate } from '../../src/db/sqlite/schema.ts'

export const openSqlite = await loadSqlite()
const request = randomBytes(16)

/** A bare database with the store's settings and tables. */
export function openBare(path: string): Database {
  const database = openSqlite(path)
  configure(database, { checkpointPages: 4000 })
  migrate(database)
  return database
}

/** Writes one change as the rows that the store writes: looks up the head, appends to the log, replaces the head. */
export function logAndHeads(database: Database): (key: string, value: Uint8Array) => void {
  const log = database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const find = database.prepare('SELECT position, created, changes, jump FROM heads WHERE key = ?')
  const add = database.prepare('INSERT INTO heads VALUES (?, ?, ?, 1, ?, 0)')
  const replace = database.prepare('UPDATE heads SET position = ?, created = ?, changes = ?, jump = ? WHERE key = ?')
  let n = 0
  return (key, value) => {
    const position = ++n * 1024
    const head = find.get(key) as { position: number; created: number; changes: number } | undefined
    const created = head?.created ?? position
    log.run(position, Date.now(), key, created, head?.position ?? 0, 0, 0, value, 1, request)
    if (head) replace.run(position, created, head.changes + 1, 0, key)
    else add.run(key, position, created, position)
  }
}

/** All in one durable transaction. */
export function transaction(database: Database, write: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  write()
  database.exec('COMMIT')
}
