import { OptiFlowError } from '../base/errors.ts'

/** Counts every change of the whole store: 1, 2, 3 … across all keys, never reused. bigint inside, decimal text outside. */
export type Revision = bigint

/** A key such as `/registry/pods/default/web-1`. Compared by UTF-8 bytes. */
export type Key = string

export interface Versioned {
  key: Key
  value: Uint8Array
  /** Of the last change of this key. */
  revision: Revision
  /** Of the change that brought this key into being. */
  created: Revision
}

export interface Page {
  /** At most so many entries; all when 0 or not given. */
  limit?: number
  /** Start after this key. */
  after?: Key
  /** As the store was at this revision; the newest unless given. @throws Compacted, FutureRevision */
  at?: Revision
  /** Of `remaining` only matters whether it is 0: to count takes longer than to read, where little is read of much. */
  uncounted?: boolean
}

export interface Listing {
  /** In order of key. */
  entries: Versioned[]
  /** The revision at which all entries were read together. */
  revision: Revision
  /** Entries after this page; 0 when there are none. May be an estimate for a past revision since which many keys changed. */
  remaining: number
}

/** `value: undefined` deletes. */
export interface Change {
  key: Key
  value: Uint8Array | undefined
}

export interface StoreEvent {
  type: 'put' | 'delete'
  key: Key
  /** Of put: the new bytes. Of delete: undefined. */
  value: Uint8Array | undefined
  /** The same for all changes of one commit. */
  revision: Revision
  /** Of put: the revision that created the key. Of delete: 0n. */
  created: Revision
}

/** Who made a commit: kept with it, for those who ask later. */
export interface Author {
  /** A user's name. */
  user: string
  /** What the request was called in its reply and in the audit log; at most 64 characters, no spaces. */
  request: string
}

/** One change of one key, as the history has it. */
export interface KeyChange {
  revision: Revision
  /** Revision that created the key. */
  created: Revision
  /** undefined: deleted. */
  value: Uint8Array | undefined
  /** When it was written, in milliseconds since 1970: exactly, or of etcd to the second. undefined: not known any more. */
  timeMs: number | undefined
  /** undefined: nobody was named. */
  author: Author | undefined
}

/** What a watch yields: events of one commit together and in order, or, when idle, how far the store has got. */
export interface StoreBatch {
  revision: Revision
  events: StoreEvent[]
}

/** A watch under way. */
export interface Batches extends AsyncIterable<StoreBatch> {
  /**
   * The next batch, if it is there already: for whoever has dealt with the one before and asks for no promise. Commits come in
   * groups, so mostly it is.
   * @param fits another one stays where it is
   */
  ready?(fits?: (batch: StoreBatch) => boolean): StoreBatch | undefined
}

/** Ordered bytes with revisions; knows no kinds. Bytes that it hands out are shared: do not change them. The conformance suite (db/conformance) says the rest. */
export interface Store extends AsyncDisposable {
  /** Newest durable revision. */
  revision(): Promise<Revision>
  /** @throws Compacted, FutureRevision when `at` is outside the history. */
  get(key: Key, at?: Revision): Promise<Versioned | undefined>
  list(prefix: Key, page?: Page): Promise<Listing>
  /**
   * All changes or none, at one new revision; durable when it resolves. Changes that change nothing (none at all, or only
   * deletions of what is not there) make no revision: the answer is then the newest one.
   * @param changes at most 1,024, each key once. The bytes are the store's from now on: do not change them.
   * @param seen for each key the revision it must still have; 0n: it must not exist. Keys that are not changed count too.
   * @param author told again by `changes`; watchers do not hear of it
   * @throws StoreConflict if one moved on, StoreFull, StoreFailed
   */
  commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision>
  /**
   * Each change after `from` under `prefix`, once, in order, only when durable: first from history, then as it happens. The
   * watch begins with the first `next()`. It ends quietly when `signal` aborts, and with StoreFailed when the store closes.
   * A reader may be slow: it then reads from history again, and is lost only (Compacted) if that is forgotten meanwhile.
   * Cheapest is one watch of all that one needs.
   * @throws Compacted if `from` is no longer in the history, FutureRevision if it is not yet written
   */
  watch(prefix: Key, from: Revision, signal: AbortSignal): Batches
  /**
   * The changes of one key that history still has, newest first; the last one may be older than the history, if it was
   * still true when that begins.
   * @param page at most `limit` of them (all unless given), only those before the revision `before`
   */
  changes(key: Key, page?: { limit?: number; before?: Revision }): Promise<KeyChange[]>
  /**
   * The newest revision written at or before this wall time (milliseconds since 1970), as precisely as times are known.
   * 0n if nothing was written by then. @throws Compacted if that is before the history
   */
  revisionAt(timeMs: number): Promise<Revision>
  /** Forgets history before `revision`, never the newest state of a key. Returns the oldest revision now readable. */
  compact(revision: Revision): Promise<Revision>
  /** Oldest revision that can still be read or watched from. */
  compacted(): Promise<Revision>
  /** What keeps it from taking anything new at the moment, though it answers: for health checks. Absent: nothing ever does. */
  obstacle?(): string | undefined
  /** Room that everything takes, history and what the engine holds free included: on the disk where there is one. */
  sizeBytes(): Promise<number>
}

/** A key is not at the revision the caller saw. Read again, decide again. */
export class StoreConflict extends OptiFlowError {
  readonly key: Key
  readonly actual: Versioned | undefined
  constructor(key: Key, actual: Versioned | undefined) {
    super(`key ${key} is at revision ${actual?.revision ?? 0n}`)
    this.key = key
    this.actual = actual
  }
}

/** The wanted revision is no longer in the history. List afresh. */
export class Compacted extends OptiFlowError {
  readonly wanted: Revision
  readonly oldest: Revision
  constructor(wanted: Revision, oldest: Revision) {
    super(`revision ${wanted} is no longer kept; the oldest is ${oldest}`)
    this.wanted = wanted
    this.oldest = oldest
  }
}

/** The wanted revision is not yet written. Wait, or ask the server that gave it. */
export class FutureRevision extends OptiFlowError {
  readonly wanted: Revision
  readonly newest: Revision
  constructor(wanted: Revision, newest: Revision) {
    super(`revision ${wanted} is not yet written; the newest is ${newest}`)
    this.wanted = wanted
    this.newest = newest
  }
}

/** No room on the disk: reads go on, writes fail until there is. */
export class StoreFull extends OptiFlowError {}

/** The store could not do it; nothing is known to be written. */
export class StoreFailed extends OptiFlowError {}

/** Another process has the store open. */
export class StoreLocked extends StoreFailed {
  readonly path: string
  /** Of the other process, where it is known. */
  readonly pid: string | undefined
  constructor(path: string, pid: string | undefined) {
    super(`the store ${path} is in use by ${pid ? `the process ${pid}` : 'another process'}`, {
      hint: `Stop ${pid ? `process ${pid}` : 'it'} first, or name another data folder.`,
    })
    this.path = path
    this.pid = pid
  }
}

/** There was a store, and its file is not there any more, or empty. A new one in its place would end all that runs. */
export class StoreGone extends StoreFailed {
  readonly path: string
  /** The file that tells of it. */
  readonly sign: string
  constructor(path: string, sign: string) {
    super(`the store ${path} is gone or empty, and it was there before (${sign})`, {
      hint: `Put the file back, or restore a backup: "optiflow restore FILE". To begin with an empty cluster, which ends all that runs, delete ${sign}.`,
    })
    this.path = path
    this.sign = sign
  }
}

/** The file is damaged. Nothing was changed in it. */
export class StoreCorrupt extends StoreFailed {
  readonly path: string
  /** What was found wrong. */
  readonly found: string
  constructor(path: string, found: string) {
    super(`the store ${path} is damaged: ${found}`, {
      hint: `Keep a copy of ${path} and its -wal file, then restore a backup: "optiflow restore FILE --force", which keeps this one beside. Check the disk: SQLite files are not damaged by crashes.`,
    })
    this.path = path
    this.found = found
  }
}
