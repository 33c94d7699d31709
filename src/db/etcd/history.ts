import { type Clock, sleep } from '../../base/clock.ts'
import { Compacted, type Key, type KeyChange, type Revision, type StoreBatch, StoreFailed } from '../store.ts'
import type { HistoryPage } from '../watch-hub.ts'
import { isLost, storeError } from './failure.ts'
import { batchesOf, everything } from './feed.ts'
import type { WatchResponse } from './messages.ts'
import { type Note, noteKey, readNote } from './note.ts'
import type { EtcdReads } from './reads.ts'
import type { EtcdRpc } from './rpc.ts'
import { signatureOf } from './signed.ts'

/** Events read from history at a time. */
const pageEvents = 1000
const historyTries = 20
const historyRetryMs = 250

/** What happened, when, and by whom: read from etcd's watch of the past, and from the notes beside it. */
export class EtcdHistory {
  readonly #rpc: EtcdRpc
  readonly #reads: EtcdReads
  readonly #clock: Clock
  /** Aborts when the store closes. */
  readonly #closed: AbortSignal

  constructor(rpc: EtcdRpc, reads: EtcdReads, clock: Clock, closed: AbortSignal) {
    this.#rpc = rpc
    this.#reads = reads
    this.#clock = clock
    this.#closed = closed
  }

  async changes(key: Key, { limit, before }: { limit?: number; before?: Revision }): Promise<KeyChange[]> {
    const newest = await this.#reads.newest()
    const oldest = await this.#reads.oldest()
    const found: Pick<KeyChange, 'revision' | 'created' | 'value'>[] = []
    const start = oldest > 0n ? await this.#reads.get(key, oldest) : undefined
    if (start) found.push(start)
    for (let after = oldest; after < newest; ) {
      const page = await this.read(key, after, newest)
      // Of a deleted key what was there before says when it was made.
      for (const { events } of page.batches)
        for (const e of events)
          if (e.key === key) found.push({ ...e, created: e.value ? e.created : (found.at(-1)?.created ?? 0n) })
      after = page.through
    }
    const wanted = found
      .reverse()
      .filter(c => before === undefined || c.revision < before)
      .slice(0, limit || found.length)
    return Promise.all(
      wanted.map(async ({ revision, created, value }) => {
        const note = await this.#madeBy(key, revision, oldest)
        return { revision, created, value, timeMs: note?.timeMs, author: note?.author }
      }),
    )
  }

  /** Times grow with revisions, so the last one that is not later is found by halves. @throws Compacted */
  async revisionAt(timeMs: number): Promise<Revision> {
    const oldest = await this.#reads.oldest()
    let low = oldest
    let high = await this.#reads.newest()
    const oldestMs = (await this.#note(low))?.timeMs
    if (low > 1n && oldestMs !== undefined && timeMs < oldestMs) throw new Compacted(low - 1n, low)
    while (low < high) {
      const middle = (low + high + 1n) / 2n
      if (((await this.#note(middle))?.timeMs ?? 0) <= timeMs) low = middle
      else high = middle - 1n
    }
    return low
  }

  /** Events after `after`; asks another member when one goes away in between. @throws Compacted */
  async read(prefix: Key, after: Revision, through: Revision): Promise<HistoryPage> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#readOnce(prefix, after, through)
      } catch (error) {
        if (this.#closed.aborted || !isLost(error) || tried > historyTries) throw storeError(error, this.#rpc)
        this.#rpc.moveOn()
        await sleep(this.#clock, historyRetryMs)
      }
    }
  }

  /** When and by whom, as the value itself says, or the note beside it. */
  async #madeBy(key: Key, revision: Revision, oldest: Revision): Promise<Note | undefined> {
    const { kvs } = await this.#reads.range({ key: Buffer.from(key) }, revision < oldest ? oldest : revision)
    const signature = kvs[0] && signatureOf(kvs[0].value)
    // Of a revision before the history only the state is kept, not the note.
    return signature ?? (revision < oldest ? undefined : this.#note(revision))
  }

  async #note(revision: Revision): Promise<Note | undefined> {
    const { kvs } = await this.#reads.range({ key: Buffer.from(noteKey) }, revision)
    return kvs[0] && readNote(kvs[0], revision)
  }

  /** A watch of all keys from `after` on, read until it has reached `through` or is long enough. */
  async #readOnce(prefix: Key, after: Revision, through: Revision): Promise<HistoryPage> {
    // From `after` itself, so that etcd refuses exactly what our rules call compacted; its changes are left out below.
    const start_revision = `${after < 1n ? 1n : after}`
    const stream = await this.#rpc.watch({ ...everything, start_revision })
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
}
