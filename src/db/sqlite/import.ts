import { type Disk, systemDisk } from '../../base/disk.ts'
import { type Revision, StoreFailed, type Versioned } from '../store.ts'
import { codes, loadSqlite, single, sqliteCode } from './database.ts'
import { errorOf, ThreadFailure } from './failure.ts'
import { configure, takeLock } from './open-file.ts'
import { changesPerRevision, firstPosition, lastPosition, migrate } from './schema.ts'

export interface ImportOptions {
  /** Absolute path of the file to make. */
  path: string
  disk?: Disk
  entries: Iterable<Versioned>
  /** Newest revision of the store that is made, at least that of each entry; history begins there. */
  revision: Revision
  nowMs: number
  /** What is there already is kept under this path; without it the import is refused then. */
  keepOldAs?: string
}

/**
 * Makes the file of a store that holds these entries at their revisions. Whoever watched an older revision is told that
 * it is compacted. The file appears whole or not at all.
 * @throws StoreLocked while a server has it open, StoreFailed if there is one already
 */
export async function importSqlite(options: ImportOptions): Promise<void> {
  const { path } = options
  const disk = options.disk ?? systemDisk
  const open = await loadSqlite()
  await disk.makeFolder(path.slice(0, path.lastIndexOf('/')) || '/', { mode: 0o700 })
  const scratch = `${path}.importing`
  await removeStore(disk, scratch)
  const lock = (() => {
    try {
      return takeLock(open, `${path}.lock`)
    } catch (error) {
      throw error instanceof ThreadFailure ? errorOf(error.failure, path) : error
    }
  })()
  try {
    const exists = (await disk.exists(path)) && (await disk.stat(path)).size > 0
    if (exists && !options.keepOldAs)
      throw new StoreFailed(`there is a store already: ${path}`, { hint: 'Move it away, or replace it with --force.' })
    await disk.write(scratch, '', { mode: 0o600 })
    const database = open(scratch, { timeout: 5000 })
    try {
      configure(database, { checkpointPages: 4000 })
      migrate(database)
      fill(database, options)
      const found = single(database, 'PRAGMA integrity_check') as string
      if (found !== 'ok') throw new StoreFailed(`the imported store is not sound: ${found}`)
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } finally {
      database.close()
    }
    if (exists) for (const end of storeFiles) await move(disk, path + end, options.keepOldAs! + end)
    await disk.rename(scratch, path)
    // Empty by now.
    await removeStore(disk, scratch)
  } catch (error) {
    await removeStore(disk, scratch)
    if (sqliteCode(error) === codes.full) throw errorOf({ reason: 'full', message: (error as Error).message }, path)
    throw error
  } finally {
    lock.close()
  }
}

const storeFiles = ['', '-wal', '-shm']

function fill(database: Parameters<typeof migrate>[0], { entries, revision, nowMs }: ImportOptions): void {
  const insertLog = database.prepare(
    'INSERT INTO log(position, at, key, created, previous, jump, base, value) VALUES (?, ?, ?, ?, 0, 0, 0, ?)',
  )
  const insertHead = database.prepare(
    'INSERT INTO heads(key, position, created, changes, first, jump) VALUES (?, ?, ?, 1, ?, 0)',
  )
  const used = new Map<number, number>()
  database.exec('BEGIN IMMEDIATE')
  for (const entry of entries) {
    const at = Number(entry.revision)
    const index = used.get(at) ?? 0
    if (index >= changesPerRevision || entry.revision > revision)
      throw new StoreFailed(`the entry ${entry.key} has the revision ${at}, which cannot be`)
    used.set(at, index + 1)
    const position = firstPosition(at) + index
    const created = Number(entry.created)
    insertLog.run(position, nowMs, entry.key, created, entry.value)
    insertHead.run(entry.key, position, created, position)
  }
  const newest = Number(revision)
  const set = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
  set.run('floor', newest)
  set.run('oldest', newest)
  set.run('oldestAt', nowMs)
  set.run('swept', lastPosition(newest))
  set.run('filed', lastPosition(newest))
  database.prepare('INSERT INTO moments(at, revision) VALUES (?, ?)').run(nowMs, newest)
  database.exec('COMMIT')
}

async function move(disk: Disk, from: string, to: string): Promise<void> {
  if (await disk.exists(from)) await disk.rename(from, to)
}

async function removeStore(disk: Disk, path: string): Promise<void> {
  for (const end of storeFiles) await disk.remove(path + end)
}
