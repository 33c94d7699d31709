import { type Database, single } from './database.ts'

/**
 * A change's place in the log: revision × 1,024 + its index in the commit. One integer, so the log is a B-tree that only
 * grows at its end.
 */
export const changesPerRevision = 1024

export function firstPosition(revision: number): number {
  return revision * changesPerRevision
}

export function lastPosition(revision: number): number {
  return revision * changesPerRevision + changesPerRevision - 1
}

export function revisionOf(position: number): number {
  return Math.floor(position / changesPerRevision)
}

/**
 * Each entry brings the file from the version before it to its own (index + 1). Never change one that was released.
 *
 * log      every change still kept; without value: a deletion. `at` is when it was written (milliseconds since 1970; 0: not
 *          known; never less than that of the change before). `previous` is the position of the same key's change before it
 *          (0: none), `jump` that of one further back (see chain.ts; 0: none that is still kept). `base` is 0 where the
 *          value is whole, else the position of the whole value from which it differs (see delta.ts); `author` is of
 *          authors (0: nobody was named), `request` the name of the author's request (see author.ts)
 * authors  names of users
 * heads    of each key its last change up to the position `filed` (see heads.ts), deletions included until they are swept;
 *          `created` 0: deleted; `changes` counts them since `first`, the key's first change; `jump` is that of the last change
 * moments  at most once a second: changes after `revision` were written at or after `at` (milliseconds since 1970)
 * meta     oldest: oldest readable revision; swept: position up to which the log was swept; filed: see heads; stopped: 1 after a clean stop;
 *          oldestAt: when the oldest readable revision was written;
 *          floor: the newest revision is at least this (after a restore)
 */
const migrations: string[] = [
  `CREATE TABLE log(
     position INTEGER PRIMARY KEY,
     key TEXT NOT NULL,
     created INTEGER NOT NULL,
     previous INTEGER NOT NULL,
     jump INTEGER NOT NULL,
     value BLOB);
   CREATE TABLE heads(
     key TEXT PRIMARY KEY,
     position INTEGER NOT NULL,
     created INTEGER NOT NULL,
     changes INTEGER NOT NULL,
     first INTEGER NOT NULL,
     jump INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE moments(at INTEGER PRIMARY KEY, revision INTEGER NOT NULL);
   CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
   INSERT INTO meta VALUES ('oldest', 0), ('swept', 0), ('stopped', 1), ('floor', 0);`,
  // The value last, since what stands behind a long one is slow to reach.
  `CREATE TABLE timed(
     position INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     key TEXT NOT NULL,
     created INTEGER NOT NULL,
     previous INTEGER NOT NULL,
     jump INTEGER NOT NULL,
     base INTEGER NOT NULL,
     value BLOB);
   INSERT INTO timed SELECT position, 0, key, created, previous, jump, 0, value FROM log;
   DROP TABLE log;
   ALTER TABLE timed RENAME TO log;`,
  // Behind the value after all, so that no row is written again.
  `ALTER TABLE log ADD COLUMN author INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE log ADD COLUMN request BLOB;
   CREATE TABLE authors(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);`,
  `INSERT INTO meta SELECT 'filed', ifnull(max(position), 0) FROM log;`,
]

export const schemaVersion = migrations.length

/** 'OptF': how a file is known to be ours. */
const applicationId = 0x4f707446

export class WrongSchema extends Error {}

/** Brings the file to the present schema, one transaction per version. @throws WrongSchema */
export function migrate(database: Database): void {
  const version = single(database, 'PRAGMA user_version') as number
  const application = single(database, 'PRAGMA application_id') as number
  const empty = (single(database, 'SELECT count(*) FROM sqlite_schema') as number) === 0
  if (!empty && application !== applicationId) throw new WrongSchema('it is an SQLite database of another program')
  if (version > schemaVersion)
    throw new WrongSchema(`its schema version ${version} is newer than this program's ${schemaVersion}`)
  for (let to = version + 1; to <= schemaVersion; to++) {
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(migrations[to - 1]!)
      database.exec(`PRAGMA application_id=${applicationId}; PRAGMA user_version=${to}`)
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
}

/** One number of `meta` that may not be there. */
export function optionalMeta(database: Database, name: string): number | undefined {
  return single(database, 'SELECT value FROM meta WHERE name = ?', name) as number | undefined
}

/** One number of `meta`. */
export function meta(database: Database, name: string): number {
  return single(database, 'SELECT value FROM meta WHERE name = ?', name) as number
}
