import { type ServiceError, status } from '@grpc/grpc-js'
import { type Clock, every, sleep, systemClock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { type Logger, silentLogger } from '../../base/logger.ts'
import { checkChanges } from '../change.ts'
import { compareKeys } from '../key.ts'
import {
  type Change,
  Compacted,
  FutureRevision,
  type Key,
  type KeyChange,
  type Listing,
  type Page,
  type Revision,
  type Store,
  type StoreBatch,
  StoreConflict,
  StoreFailed,
  StoreFull,
  type Versioned,
} from '../store.ts'
import { type HistoryPage, WatchHub } from '../watch-hub.ts'
import { batchesOf, everything, Feed, firstKey, plainBytes, timeKey } from './feed.ts'
import {
  type Compare,
  compareTarget,
  equal,
  type Header,
  type KeyValue,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
  type WatchResponse,
} from './messages.ts'
import { type EtcdConnection, EtcdRpc } from './rpc.ts'

export interface EtcdStoreOptions extends EtcdConnection {
  clock?: Clock
  log?: Logger
  /** Changes older than this are forgotten; an hour unless given, since etcd keeps every change whole and in memory. */
  historyAgeMs?: number
  /** See WatchHubOptions. */
  bufferedEvents?: number
}

/** Keys in one answer to a list. */
const pageKeys = 1000
/** Events read from history at a time. */
const pageEvents = 1000
const historyTries = 20
/** How often to look for what is too old. */
const compactMs = 300_000
/** The time is noted with commits of fewer changes than this: etcd takes at most 128 unless told otherwise. */
const mostNoted = 100
const historyRetryMs = 250

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
  readonly #hub: WatchHub
  readonly #feed: Feed
  /** What is known to be compacted; may be more by now. */
  #oldest: Revision = 0n
  /** When the time was last noted, and what was noted. */
  #noted = 0
  #closed: Error | undefined
  readonly #stop = new AbortController()
  #underWay = 0
  #drained: (() => void) | undefined

  constructor(options: EtcdStoreOptions, rpc: EtcdRpc, clock: Clock, revision: Revision) {
    this.#rpc = rpc
    this.#clock = clock
    this.#hub = new WatchHub({
      clock,
      published: revision,
      newest: () => this.revision(),
      readHistory: (prefix, after, through) => this.#readHistory(prefix, after, through),
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
    return this.#guarded(() => newestRevision(this.#rpc))
  }

  compacted(): Promise<Revision> {
    return this.#guarded(() => this.#findOldest())
  }

  get(key: Key, at?: Revision): Promise<Versioned | undefined> {
    return this.#guarded(async () => {
      const { kvs } = await this.#range({ key: Buffer.from(key) }, at)
      return kvs[0] && versioned(kvs[0])
    })
  }

  list(prefix: Key, page: Page = {}): Promise<Listing> {
    return this.#guarded(async () => {
      for (;;) {
        try {
          return await this.#list(prefix, page)
        } catch (error) {
          // History moved past the revision of our first part; the caller asked for none, so begin anew.
          if (!(error instanceof Compacted) || page.at !== undefined) throw error
        }
      }
    })
  }

  commit(changes: Change[], seen: ReadonlyMap<Key, Revision>): Promise<Revision> {
    return this.#guarded(async () => {
      checkChanges(changes)
      const compare: Compare[] = []
      const failure = []
      for (const [name, revision] of seen) {
        const key = Buffer.from(name)
        compare.push(
          revision === 0n
            ? { result: equal, target: compareTarget.create, key, create_revision: '0' }
            : { result: equal, target: compareTarget.mod, key, mod_revision: `${revision}` },
        )
        failure.push({ request_range: { key } })
      }
      const success = changes.map(({ key, value }) =>
        value ? { request_put: { key: Buffer.from(key), value } } : { request_delete_range: { key: Buffer.from(key) } },
      )
      const time = this.#timeNote(changes)
      const request: TxnRequest = { compare, success: time ? [...success, time] : success, failure }
      const answer = await this.#rpc.unary<TxnResponse>('KV', 'Txn', request, false)
      if (!answer.succeeded) throw conflictOf(seen, answer)
      return BigInt(answer.header.revision)
    })
  }

  /** Note the time with a change that is sure to be one: a deletion of what is not there makes no revision. */
  #timeNote(changes: Change[]) {
    const now = this.#clock.now()
    if (now < this.#noted + 1000 || changes.length >= mostNoted || !changes.some(c => c.value)) return undefined
    this.#noted = now
    return { request_put: { key: Buffer.from(timeKey), value: Buffer.from(`${now}`) } }
  }

  changes(key: Key, { limit, before }: { limit?: number; before?: Revision } = {}): Promise<KeyChange[]> {
    return this.#guarded(async () => {
      const newest = await newestRevision(this.#rpc)
      const oldest = await this.#findOldest()
      const found: Omit<KeyChange, 'timeMs'>[] = []
      const start = oldest > 0n ? await this.get(key, oldest) : undefined
      if (start) found.push({ revision: start.revision, created: start.created, value: start.value })
      for (let after = oldest; after < newest; ) {
        const page = await this.#readHistory(key, after, newest)
        for (const { events } of page.batches) for (const e of events) if (e.key === key) found.push(e)
        after = page.through
      }
      const wanted = found
        .reverse()
        .filter(c => before === undefined || c.revision < before)
        .slice(0, limit || found.length)
      // Of a revision before the history only the state is kept, not the time.
      const timed = (revision: Revision) => (revision < oldest ? undefined : this.#timeOf(revision))
      return Promise.all(
        wanted.map(async ({ revision, created, value }) => ({
          revision,
          created,
          value,
          timeMs: await timed(revision),
        })),
      )
    })
  }

  /** Times grow with revisions, so the last one that is not later is found by halves. */
  revisionAt(timeMs: number): Promise<Revision> {
    return this.#guarded(async () => {
      const oldest = await this.#findOldest()
      let low = oldest
      let high = await newestRevision(this.#rpc)
      const oldestMs = await this.#timeOf(low)
      if (low > 1n && oldestMs !== undefined && timeMs < oldestMs) throw new Compacted(low - 1n, low)
      while (low < high) {
        const middle = (low + high + 1n) / 2n
        if (((await this.#timeOf(middle)) ?? 0) <= timeMs) low = middle
        else high = middle - 1n
      }
      return low
    })
  }

  /** Lets go of what is too old. Several servers may do it: the one that is later finds it done. */
  async #forget({ historyAgeMs = 3600_000, log = silentLogger }: EtcdStoreOptions): Promise<void> {
    try {
      const target = await this.revisionAt(this.#clock.now() - historyAgeMs)
      if (target > this.#oldest && target > 1n) await this.compact(target)
    } catch (error) {
      // Nothing is that old.
      if (!(error instanceof Compacted) && !this.#closed)
        log.warn({ error: explain(error) }, 'history was not shortened')
    }
  }

  async #timeOf(revision: Revision): Promise<number | undefined> {
    const { kvs } = await this.#range({ key: Buffer.from(timeKey) }, revision)
    return kvs[0] && Number(kvs[0].value.toString())
  }

  watch(prefix: Key, from: Revision, signal: AbortSignal): AsyncIterable<StoreBatch> {
    return this.#hub.watch(prefix, from, signal)
  }

  compact(revision: Revision): Promise<Revision> {
    return this.#guarded(async () => {
      try {
        // Our own watchers first: a compaction must not overtake what is on its way to them.
        if (revision <= (await newestRevision(this.#rpc))) await this.#feed.reached(revision)
        await this.#rpc.unary('KV', 'Compact', { revision: `${revision}` }, true)
        if (revision > this.#oldest) this.#oldest = revision
      } catch (error) {
        if (isFuture(error)) throw new FutureRevision(revision, await newestRevision(this.#rpc))
        if (!isCompacted(error)) throw error
      }
      return this.#findOldest()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= new StoreFailed('the store is closed')
    while (this.#underWay > 0) {
      await new Promise<void>(resolve => {
        this.#drained = resolve
      })
    }
    this.#stop.abort()
    this.#hub.close(this.#closed)
    this.#feed.close()
    this.#rpc.close()
  }

  async #list(prefix: Key, page: Page): Promise<Listing> {
    const range_end = etcdEnd(prefix)
    const entries: Versioned[] = []
    let at = page.at
    let key = Buffer.from(page.after === undefined || compareKeys(page.after, prefix) < 0 ? prefix : `${page.after}\0`)
    if (key.length === 0) key = firstKey
    for (;;) {
      const wanted = page.limit ? Math.min(page.limit - entries.length, pageKeys) : pageKeys
      const answer = await this.#range({ key, range_end, limit: wanted }, at)
      at ??= BigInt(answer.header.revision)
      for (const kv of answer.kvs) entries.push(versioned(kv))
      if (!answer.more || (page.limit && entries.length >= page.limit))
        return { entries, revision: at, remaining: Number(answer.count) - answer.kvs.length }
      key = Buffer.concat([answer.kvs.at(-1)!.key, everything.key])
    }
  }

  async #range(request: RangeRequest, at: Revision | undefined): Promise<RangeResponse> {
    if (at === undefined) return this.#rpc.unary<RangeResponse>('KV', 'Range', request, true)
    // Before its first revision etcd has nothing; and 0 would mean the newest.
    const revision = at < 1n ? 1n : at
    try {
      return await this.#rpc.unary<RangeResponse>('KV', 'Range', { ...request, revision: `${revision}` }, true)
    } catch (error) {
      if (isCompacted(error)) throw new Compacted(at, await this.#findOldest())
      if (isFuture(error)) throw new FutureRevision(at, await newestRevision(this.#rpc))
      throw error
    }
  }

  /** etcd tells its compacted revision only to a watch that asks for less. */
  async #findOldest(): Promise<Revision> {
    const known = this.#oldest > 1n ? this.#oldest : 1n
    try {
      const request = { key: everything.key, revision: `${known}`, count_only: true }
      await this.#rpc.unary('KV', 'Range', request, true)
      return this.#oldest
    } catch (error) {
      if (!isCompacted(error)) throw error
      const stream = await this.#rpc.watch({ key: everything.key, start_revision: `${known}` })
      try {
        for await (const response of stream as AsyncIterable<WatchResponse>) {
          const oldest = BigInt(response.compact_revision)
          if (oldest === 0n) continue
          if (oldest > this.#oldest) this.#oldest = oldest
          break
        }
      } finally {
        stream.cancel()
      }
      return this.#oldest
    }
  }

  /** Asks another member when one goes away in between. */
  async #readHistory(prefix: Key, after: Revision, through: Revision): Promise<HistoryPage> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#readHistoryOnce(prefix, after, through)
      } catch (error) {
        const lost = (error as Partial<ServiceError>).code === status.UNAVAILABLE
        if (this.#closed || !lost || tried > historyTries) throw storeError(error, this.#rpc)
        this.#rpc.moveOn()
        await sleep(this.#clock, historyRetryMs)
      }
    }
  }

  /** A watch of all keys from `after` on, read until it has reached `through` or is long enough. */
  async #readHistoryOnce(prefix: Key, after: Revision, through: Revision): Promise<HistoryPage> {
    // From `after` itself, so that etcd refuses exactly what our rules call compacted; its changes are left out below.
    const start_revision = `${after < 1n ? 1n : after}`
    const stream = await this.#rpc.watch({ ...everything, start_revision, prev_kv: true })
    const batches: StoreBatch[] = []
    let reached = after
    let events = 0
    try {
      for await (const response of stream as AsyncIterable<WatchResponse>) {
        if (response.canceled) {
          const oldest = BigInt(response.compact_revision)
          if (oldest > 0n) throw new Compacted(after, oldest)
          throw new StoreFailed(`etcd ended a watch: ${response.cancel_reason || 'without a reason'}`)
        }
        for (const batch of batchesOf(response.events)) {
          if (batch.revision <= after || batch.revision > through) continue
          reached = batch.revision
          const within = batch.events.filter(e => e.key.startsWith(prefix))
          events += within.length
          if (within.length) batches.push({ revision: batch.revision, events: within })
        }
        if (reached >= through || events >= pageEvents) break
      }
    } finally {
      stream.cancel()
    }
    return { batches, through: reached }
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

async function newestRevision(rpc: EtcdRpc): Promise<Revision> {
  // Of one key: to count them all, etcd would walk over them.
  const request = { key: firstKey, count_only: true }
  const { header } = await rpc.unary<{ header: Header }>('KV', 'Range', request, true)
  return BigInt(header.revision)
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

function versioned(kv: KeyValue): Versioned {
  return {
    key: kv.key.toString(),
    value: plainBytes(kv.value),
    revision: BigInt(kv.mod_revision),
    created: BigInt(kv.create_revision),
  }
}

/** The end of a prefix as etcd wants it: bytes, and a zero byte for "to the last key". */
function etcdEnd(prefix: Key): Uint8Array {
  const bytes = Buffer.from(prefix)
  for (let i = bytes.length - 1; i >= 0; i--) {
    if (bytes[i]! === 0xff) continue
    const end = Buffer.from(bytes.subarray(0, i + 1))
    end[i]!++
    return end
  }
  return everything.range_end
}

function isCompacted(error: unknown): boolean {
  const { code, details } = error as Partial<ServiceError>
  return code === status.OUT_OF_RANGE && !!details?.includes('compacted')
}

function isFuture(error: unknown): boolean {
  const { code, details } = error as Partial<ServiceError>
  return code === status.OUT_OF_RANGE && !!details?.includes('future')
}

/** Errors of gRPC as the store's; others as they are. */
function storeError(error: unknown, rpc: EtcdRpc): Error {
  const { code, details } = error as Partial<ServiceError>
  if (typeof code !== 'number') return error as Error
  if (code === status.RESOURCE_EXHAUSTED && details?.includes('space'))
    return new StoreFull(`etcd at ${rpc.endpoint} has no room: ${details}`, {
      hint: 'Raise its --quota-backend-bytes or compact and defragment it, then `etcdctl alarm disarm`.',
    })
  if (
    code === status.UNAUTHENTICATED ||
    code === status.PERMISSION_DENIED ||
    /authenticat|user name/.test(details ?? '')
  )
    return new StoreFailed(`etcd at ${rpc.endpoint} does not let us in: ${details}`, {
      hint: 'Check user name, password and the roles of the user in etcd.',
    })
  if (code === status.INVALID_ARGUMENT)
    return new StoreFailed(`etcd at ${rpc.endpoint} refused the request: ${details}`, {
      hint: 'For large objects or commits raise its --max-request-bytes or --max-txn-ops.',
    })
  return new StoreFailed(`etcd at ${rpc.endpoint} did not answer: ${details}`, {
    hint: 'Check that etcd runs and that its address and certificates are right. A commit may have been carried out.',
  })
}
