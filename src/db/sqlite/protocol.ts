import type { MessagePort } from 'node:worker_threads'

/*
 * What the store's two threads and the main thread say to each other. Revisions are plain numbers here (2^53 of them last
 * 28,000 years at 10,000 a second); bytes of many values travel in one buffer that is moved, not copied.
 */

/** What a thread is started with. */
export interface ThreadOptions {
  role: 'writer' | 'reader' | 'checkpointer' | 'syncer'
  path: string
  /** See Durable. */
  durable: SharedArrayBuffer
  /** Write-ahead log pages after which a commit moves them into the file itself; 0: never. */
  checkpointPages: number
  /** Check the whole file on opening: after an unclean stop only, always, or never. */
  check: 'auto' | 'always' | 'never'
  /** See Heads. */
  headsBehind: number
  /** The writer looks out for commits that come one by one instead of sleeping. */
  looksOut: boolean
}

/** What it gets besides: its end of what is said, and the bells rung for each message to it and from it. */
export interface ThreadData extends ThreadOptions {
  port: MessagePort
  sent: SharedArrayBuffer
  answered: SharedArrayBuffer
}

/** The first message of a thread. */
export type Opened =
  | { opened: true; revision: number; oldest: number; unclean: boolean; checkedMs: number }
  | { opened: false; failure: Failure }

/** An error on its way between threads. */
export type Failure =
  | { reason: 'conflict'; key: string; actual: PackedState | undefined }
  | { reason: 'compacted'; wanted: number; oldest: number }
  | { reason: 'future'; wanted: number; newest: number }
  | { reason: 'full'; message: string }
  | { reason: 'locked' }
  | { reason: 'corrupt'; message: string }
  | { reason: 'readOnly'; message: string }
  | { reason: 'schema'; message: string }
  | { reason: 'failed'; message: string }

export interface PackedState {
  value: Uint8Array
  revision: number
  created: number
}

/**
 * Commits, packed. Of each commit `numbers` has: how many seen, how many changes; of each seen its key and revision; of each change
 * its key and length (-1: deletion); then the author's name ('': none) and request (see
 * author.ts). `keys` has keys and names, each once: the numbers say which.
 */
export interface CommitGroup {
  type: 'commit'
  commits: number
  keys: string[]
  numbers: Float64Array
  bytes: Uint8Array
  /** Wall time in milliseconds. */
  now: number
}

/**
 * What became of them. Of each commit `numbers` has: its revision (-1: failed, see `failures`), and if not failed, per
 * change: the revision that created the key (0: nothing was changed).
 */
export interface CommitResult {
  commits: number
  numbers: Float64Array
  failures: Failure[]
}

/** Of all groups that were written together, in the order in which they were sent. Whoever tells it has made it durable. */
export interface Committed {
  type: 'committed'
  /** So many groups were sent before them. Two threads tell: one may overtake the other. */
  first: number
  results: CommitResult[]
}

/** Written, and not yet durable: what the writer hands to the syncer. */
export interface Written {
  committed: Committed
  /** The newest revision then. */
  revision: number
}

export type Request =
  | { type: 'get'; key: string; at: number | undefined }
  | { type: 'list'; list: ListRequest }
  | { type: 'history'; from: string; to: string | undefined; after: number; through: number }
  | { type: 'revision' }
  | { type: 'compact'; revision: number }
  | { type: 'sweep'; rows: number }
  | { type: 'sweepAuthors' }
  | { type: 'vacuum'; pages: number }
  | { type: 'backfill' }
  | { type: 'checkpoint' }
  | { type: 'refuse'; message: string }
  | { type: 'usage' }
  | { type: 'momentAt'; at: number }
  | { type: 'revisionAt'; at: number }
  | { type: 'changes'; key: string; limit: number; before: number | undefined }
  | { type: 'sync'; port: MessagePort }
  | { type: 'close' }

export interface ListRequest {
  /** First key that may be listed. */
  from: string
  /** First key after the prefix; undefined: no end. */
  to: string | undefined
  /** 0: no limit. */
  limit: number
  at: number | undefined
  /** Also count what remains after the page; else it is 1 if there is more. */
  count: boolean
}

/** Of each entry `numbers` has revision, created, length. */
export interface ListReply {
  keys: string[]
  numbers: Float64Array
  bytes: Uint8Array
  revision: number
  /** Stopped for its size; go on after the last key. */
  more: boolean
  remaining: number
}

/** Of each event `numbers` has revision, created, length (-1: deletion); bytes in that order. */
export interface HistoryReply {
  keys: string[]
  numbers: Float64Array
  bytes: Uint8Array
  through: number
}

/**
 * Of each change, newest first, `keys` has the author's name, `numbers` revision, created, time (0: not known), length (-1:
 * deletion), length of the author's request.
 */
export interface ChangesReply {
  keys: string[]
  numbers: Float64Array
  bytes: Uint8Array
}

/** Pages in the write-ahead log, and how many of them are in the file too. */
export interface Backfill {
  logged: number
  moved: number
}

export interface SweepReply {
  /** Nothing is left to sweep for now. */
  done: boolean
  removed: number
}

export interface Usage {
  /** Of pages in use, and of free pages inside the file. */
  usedBytes: number
  freeBytes: number
  oldest: number
  revision: number
}

export interface Numbered {
  id: number
  request: Request
}

export type Reply = { type: 'reply'; id: number; result: unknown } | { type: 'reply'; id: number; failure: Failure }
