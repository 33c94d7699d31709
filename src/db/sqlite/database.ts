import type { Backfill } from './protocol.ts'

/** The part of the `node:sqlite` API that we use. */
export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  get(...values: SqlValue[]): unknown
  all(...values: SqlValue[]): unknown[]
  iterate(...values: SqlValue[]): Iterable<unknown>
}

export type SqlValue = null | number | bigint | string | Uint8Array

export type OpenDatabase = (path: string, options?: { readOnly?: boolean; timeout?: number }) => Database

/** SQLite as built into Node from 22.13 on, before that from the package with the same API. */
export async function loadSqlite(): Promise<OpenDatabase> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const builtIn = major > 22 || (major === 22 && minor >= 13)
  const module: string = builtIn ? 'node:sqlite' : '@photostructure/sqlite'
  const { DatabaseSync } = await import(module)
  return (path, options = {}) => new DatabaseSync(path, options)
}

/** Primary result code of SQLite (https://www.sqlite.org/rescode.html); undefined for other errors. */
export function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

export const codes = { busy: 5, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 }

/** Ends a transaction that failed. */
export function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // SQLite has already rolled back by itself.
  }
}

/** Moves what it can of the write-ahead log into the file, waiting for nobody. */
export function backfill(database: Database): Backfill {
  const row = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() as { log: number; checkpointed: number }
  return { logged: row.log, moved: row.checkpointed }
}

/** The only value of a query's only row. */
export function single(database: Database, sql: string, ...values: SqlValue[]): unknown {
  const row = database.prepare(sql).get(...values) as Record<string, unknown> | undefined
  return row && Object.values(row)[0]
}
