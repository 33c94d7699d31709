import { type Clock, every, systemClock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { type Logger, silentLogger } from '../../base/logger.ts'
import { checkChanges } from '../change.ts'
import {
  type Author,
  type Batches,
  type Change,
  Compacted,
  FutureRevision,
  type Key,
  type KeyChange,
  type Listing,
  type Page,
  type Revision,
  type Store,
  StoreConflict,
  StoreFailed,
  type Versioned,
} from '../store.ts'
import { WatchHub } from '../watch-hub.ts'
import { isCompacted, isFuture, storeError } from './failure.ts'
import { Feed } from './feed.ts'
import { EtcdHistory } from './history.ts'
import { type Compare, compareTarget, equal, type RequestOp, type TxnRequest, type TxnResponse } from './messages.ts'
import { Notes } from './note.ts'
import { EtcdReads, newestRevision, versioned } from './reads.ts'
import { type EtcdConnection, EtcdRpc } from './rpc.ts'
import { type Signature, sign } from './signed.ts'

export interface EtcdStoreOptions extends EtcdConnection {
  clock?: Clock
  log?: Logger
  /** Changes older than this are forgotten; an hour unless given, since etcd keeps every change whole and in memory. */
  historyAgeMs?: number
  /** See WatchHubOptions. */
  bufferedEvents?: number
}

/** How often to look for what is too old. */
const compactMs = 300_000

/**
 * The store in an etcd cluster of version 3.4 or later, shared with whoever else uses it. Its revisions are etcd's.
 * etcd takes at most 128 changes in a commit unless started with a larger --max-txn-ops, and 1.5 MB unless with a larger
 * --max-request-bytes.
 * @throws StoreFailed if no endpoint answers
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const clock = options.clock ?? systemClock
  const rpc = new EtcdRpc(options, clock)
  try {
    const revision = await newestRevision(rpc)
    return new EtcdStore(options, rpc, clock, revision)
  } catch (error) {
    rpc.close()
    throw storeError(error, rpc)
  }
}

class EtcdStore implements Store {
  readonly #rpc: EtcdRpc
  readonly #clock: Clock
  readonly #reads: EtcdReads
  readonly #history: EtcdHistory
  readonly #notes = new Notes()
  readonly #hub: WatchHub
  readonly #feed: Feed
  #closed: Error | undefined
  readonly #stop = new AbortController()
  #underWay = 0
  #drained: (() => void) | undefined

  constructor(options: EtcdStoreOptions, rpc: EtcdRpc, clock: Clock, revision: Revision) {
    this.#rpc = rpc
    this.#clock = clock
    this.#reads = new EtcdReads(rpc)
    this.#history = new EtcdHistory(rpc, this.#reads, clock, this.#stop.signal)
    this.#hub = new WatchHub({
      clock,
      published: revision,
      newest: () => this.revision(),
      readHistory: (prefix, after, through) => this.#history.read(prefix, after, through),
      ...(options.bufferedEvents ? { bufferedEvents: options.bufferedEvents } : {}),
    })
    every(clock, compactMs, () => this.#forget(options), this.#stop.signal)
    this.#feed = new Feed({
      rpc,
      clock,
      log: options.log ?? silentLogger,
      from: revision,
      publish: batch => this.#hub.publish(batch),
      onGap: error => this.#hub.skip(error),
    })
  }

  revision(): Promise<Revision> {
    return this.#guarded(() => this.#reads.newest())
  }

  compacted(): Promise<Revision> {
    return this.#guarded(() => this.#reads.oldest())
  }

  /** The file of the member that answers. */
  sizeBytes(): Promise<number> {
    return this.#guarded(async () => {
      const { dbSize } = await this.#rpc.unary<{ dbSize: string }>('Maintenance', 'Status', {}, true)
      return Number(dbSize)
    })
  }

  get(key: Key, at?: Revision): Promise<Versioned | undefined> {
    return this.#guarded(() => this.#reads.get(key, at))
  }

  list(prefix: Key, page: Page = {}): Promise<Listing> {
    return this.#guarded(() => this.#reads.list(prefix, page))
  }

  commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision> {
    return this.#guarded(async () => {
      checkChanges(changes)
      const now = this.#clock.now()
      const signature = author && { timeMs: now, author }
      const success = changes.map(change => operationOf(change, signature))
      const note = this.#notes.of(changes, seen, author, now)
      if (note) success.push(note)
      const request: TxnRequest = { ...conditionsOf(seen), success }
      const answer = await this.#rpc.unary<TxnResponse>('KV', 'Txn', request, false)
      if (!answer.succeeded) throw conflictOf(seen, answer)
      return BigInt(answer.header.revision)
    })
  }

  changes(key: Key, page: { limit?: number; before?: Revision } = {}): Promise<KeyChange[]> {
    return this.#guarded(() => this.#history.changes(key, page))
  }

  revisionAt(timeMs: number): Promise<Revision> {
    return this.#guarded(() => this.#history.revisionAt(timeMs))
  }

  watch(prefix: Key, from: Revision, signal: AbortSignal): Batches {
    return this.#hub.watch(prefix, from, signal)
  }

  compact(revision: Revision): Promise<Revision> {
    return this.#guarded(async () => {
      try {
        // Our own watchers first: a compaction must not overtake what is on its way to them.
        if (revision <= (await this.#reads.newest())) await this.#feed.reached(revision)
        await this.#rpc.unary('KV', 'Compact', { revision: `${revision}` }, true)
        this.#reads.compactedTo(revision)
      } catch (error) {
        if (isFuture(error)) throw new FutureRevision(revision, await this.#reads.newest())
        if (!isCompacted(error)) throw error
      }
      return this.#reads.oldest()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= new StoreFailed('the store is closed')
    this.#stop.abort()
    while (this.#underWay > 0) {
      await new Promise<void>(resolve => {
        this.#drained = resolve
      })
    }
    this.#hub.close(this.#closed)
    this.#feed.close()
    this.#rpc.close()
  }

  /** Lets go of what is too old. Several servers may do it: the one that is later finds it done. */
  async #forget({ historyAgeMs = 3600_000, log = silentLogger }: EtcdStoreOptions): Promise<void> {
    try {
      const target = await this.revisionAt(this.#clock.now() - historyAgeMs)
      if (target > 1n) await this.compact(target)
    } catch (error) {
      // Nothing is that old.
      if (!(error instanceof Compacted) && !this.#closed)
        log.warn({ error: explain(error) }, 'history was not shortened')
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw this.#closed
    this.#underWay++
    try {
      return await work()
    } catch (error) {
      throw storeError(error, this.#rpc)
    } finally {
      this.#underWay--
      if (this.#underWay === 0) this.#drained?.()
    }
  }
}

function operationOf({ key: name, value }: Change, signature: Signature | undefined): RequestOp {
  const key = Buffer.from(name)
  return value ? { request_put: { key, value: sign(value, signature) } } : { request_delete_range: { key } }
}

/** What must still be so; and if it is not, what is instead. */
function conditionsOf(seen: ReadonlyMap<Key, Revision>): Pick<TxnRequest, 'compare' | 'failure'> {
  const compare: Compare[] = []
  const failure: RequestOp[] = []
  for (const [name, revision] of seen) {
    const key = Buffer.from(name)
    compare.push(
      revision === 0n
        ? { result: equal, target: compareTarget.create, key, create_revision: '0' }
        : { result: equal, target: compareTarget.mod, key, mod_revision: `${revision}` },
    )
    failure.push({ request_range: { key } })
  }
  return { compare, failure }
}

function conflictOf(seen: ReadonlyMap<Key, Revision>, answer: TxnResponse): StoreConflict {
  let i = 0
  let last: StoreConflict | undefined
  for (const [key, revision] of seen) {
    const kv = answer.responses[i++]?.response_range?.kvs[0]
    const actual = kv && versioned(kv)
    last = new StoreConflict(key, actual)
    if ((actual?.revision ?? 0n) !== revision) return last
  }
  return last!
}
