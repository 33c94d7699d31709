import { codes, type Database, type OpenDatabase, single, sqliteCode } from './database.ts'
import { ThreadFailure } from './failure.ts'
import type { ThreadOptions } from './protocol.ts'

/** One lock per data file: held by the kernel for this process, so it is gone with the process, however that ends. */
export function takeLock(open: OpenDatabase, path: string): Database {
  const lock = open(path, { timeout: 0 })
  try {
    lock.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw sqliteCode(error) === codes.busy ? new ThreadFailure({ reason: 'locked' }) : error
  }
}

/** What is acknowledged is on the disk: of every connection that writes, the log or the file. */
const durable = 'PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON'

export function configure(database: Database, options: Pick<ThreadOptions, 'checkpointPages'>): void {
  // The first two count only before the first table is made.
  database.exec(`PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; ${durable};
    PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY;
    PRAGMA cache_size=-16384; PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=${options.checkpointPages}`)
  const mode = single(database, 'PRAGMA journal_mode')
  const synchronous = single(database, 'PRAGMA synchronous')
  if (mode !== 'wal' || synchronous !== 2)
    throw new Error(
      `SQLite would not be durable: journal_mode ${mode} (want wal), synchronous ${synchronous} (want 2, FULL)`,
    )
}

/** From now on a commit is written, and not made durable: whoever commits does that with the log's file, see SyncedFile. */
export function syncByHand(database: Database): void {
  database.exec('PRAGMA synchronous=NORMAL')
}

/** A second connection that may write: for moving the write-ahead log. It has no lock, so the writer must have the file open. */
export function openBeside(open: OpenDatabase, { path }: Pick<ThreadOptions, 'path'>): Database {
  const database = open(path, { timeout: 5000 })
  database.exec(`${durable}; PRAGMA wal_autocheckpoint=0`)
  return database
}

/** @throws ThreadFailure if the file is damaged. @returns how long it took, in milliseconds */
export function check(database: Database): number {
  const start = performance.now()
  const rows = database.prepare('PRAGMA quick_check(3)').all() as { quick_check: string }[]
  const found = rows.map(r => r.quick_check).join('; ')
  if (found !== 'ok') throw new ThreadFailure({ reason: 'corrupt', message: found })
  return performance.now() - start
}
