import { compareKeys } from '../key.ts'
import type { Database, Statement } from './database.ts'
import { changesPerRevision, meta } from './schema.ts'

/** A change that the table of heads may not have yet. */
export interface LateChange {
  key: string
  position: number
  deleted: boolean
}

interface Row {
  position: number
  key: string
  /** Whether the key was there before it. */
  was: number
  deleted: number
}

interface KeyChanges {
  /** Whether the key was there before the first of them. */
  was: boolean
  /** Rising. */
  changes: LateChange[]
}

/** The changes after `meta.filed`, which are in the log alone; see heads.ts. Those up to it the table has. */
export class LateChanges {
  readonly #database: Database
  readonly #since: Statement
  readonly #keys = new Map<string, KeyChanges>()
  #filed = 0
  /** Read up to here. */
  #read = 0

  constructor(database: Database) {
    this.#database = database
    this.#since = database.prepare(
      `SELECT position, key, typeof(value) = 'null' AS deleted,
         typeof(value) = 'null' OR created < position / ${changesPerRevision} AS was
       FROM log WHERE position > ? ORDER BY position`,
    )
  }

  /** Reads what came since. Inside a read transaction of the caller, as all else here. */
  update(): void {
    const filed = meta(this.#database, 'filed')
    if (filed !== this.#filed) {
      this.#keys.clear()
      this.#filed = this.#read = filed
    }
    for (const row of this.#since.iterate(this.#read) as Iterable<Row>) this.#add(row)
  }

  #add({ position, key, was, deleted }: Row): void {
    const change = { key, position, deleted: deleted === 1 }
    const known = this.#keys.get(key)
    if (known) known.changes.push(change)
    else this.#keys.set(key, { was: was === 1, changes: [change] })
    this.#read = position
  }

  /** The key's last change up to the position `max`, if it is a late one. */
  at(key: string, max: number): LateChange | undefined {
    return max > this.#filed ? this.#keys.get(key)?.changes.findLast(c => c.position <= max) : undefined
  }

  /** The same of all keys from `from` up to but not including `to`, in the order of the keys. */
  within(from: string, to: string | undefined, max: number): LateChange[] {
    if (max <= this.#filed) return []
    const found: LateChange[] = []
    for (const key of this.#keys.keys()) {
      if (compareKeys(key, from) < 0 || (to !== undefined && compareKeys(key, to) >= 0)) continue
      const change = this.at(key, max)
      if (change) found.push(change)
    }
    return found.sort((a, b) => compareKeys(a.key, b.key))
  }

  /** By how many keys there are more then than the table of heads says. */
  gained(changes: readonly LateChange[]): number {
    return changes.reduce((sum, c) => sum + (c.deleted ? 0 : 1) - (this.#keys.get(c.key)!.was ? 1 : 0), 0)
  }
}
