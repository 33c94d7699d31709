import type { Database, Statement } from './database.ts'

/** Where a key's last change is, as the writer needs it; see schema.ts. */
export interface Head {
  position: number
  /** 0: deleted. */
  created: number
  changes: number
  /** See nextJump; the last one is the jump of this change. */
  landings: number[]
}

interface HeadRow extends Omit<Head, 'landings'> {
  jump: number
}

/** So many are remembered: those that are written again and again. */
const mostRemembered = 8192

/** The heads of all keys. Only the writer changes them, so those that it read or wrote lately need no look into the file. */
export class Heads {
  readonly #recent = new Map<string, Head>()
  readonly #find: Statement
  readonly #insert: Statement
  readonly #update: Statement

  constructor(database: Database) {
    this.#find = database.prepare('SELECT position, created, changes, jump FROM heads WHERE key = ?')
    this.#insert = database.prepare(
      'INSERT INTO heads(key, position, created, changes, first, jump) VALUES (?, ?, ?, 1, ?, 0)',
    )
    this.#update = database.prepare('UPDATE heads SET position = ?, created = ?, changes = ?, jump = ? WHERE key = ?')
  }

  of(key: string): Head | undefined {
    const known = this.#recent.get(key)
    if (known) return known
    const found = this.#find.get(key) as HeadRow | undefined
    if (!found) return undefined
    const { position, created, changes, jump } = found
    const head = { position, created, changes, landings: [jump] }
    this.#remember(key, head)
    return head
  }

  /** The key's first change, or its first since its deletion was swept. */
  add(key: string, position: number, created: number): void {
    this.#insert.run(key, position, created, position)
    this.#remember(key, { position, created, changes: 1, landings: [0] })
  }

  /** Writes what has become of a head that `of` gave. */
  set(key: string, { position, created, changes, landings }: Head): void {
    this.#update.run(position, created, changes, landings.at(-1)!, key)
    // A deletion is not remembered: the sweeper takes its head away.
    if (created === 0) this.#recent.delete(key)
  }

  /** After a transaction that was rolled back. */
  forget(): void {
    this.#recent.clear()
  }

  #remember(key: string, head: Head): void {
    if (head.created === 0) return
    if (this.#recent.size >= mostRemembered) this.#recent.clear()
    this.#recent.set(key, head)
  }
}
