import { compareKeys } from '../key.ts'
import {
  Compacted,
  FutureRevision,
  type Key,
  type Listing,
  type Page,
  type Revision,
  type Versioned,
} from '../store.ts'
import { isCompacted, isFuture } from './failure.ts'
import { everything, firstKey } from './feed.ts'
import type { Header, KeyValue, RangeRequest, RangeResponse, WatchResponse } from './messages.ts'
import type { EtcdRpc } from './rpc.ts'
import { unsigned } from './signed.ts'

/** Keys in the first answer to a list, and the bytes at which the next ones aim: each is a message that is made whole in memory. */
const firstPageKeys = 2000
const pageBytes = 16 << 20
const mostPageKeys = 20_000

/** What is and what was at one revision; and from where on it is known. */
export class EtcdReads {
  readonly #rpc: EtcdRpc
  /** What is known to be compacted; may be more by now. */
  #oldest: Revision = 0n

  constructor(rpc: EtcdRpc) {
    this.#rpc = rpc
  }

  newest(): Promise<Revision> {
    return newestRevision(this.#rpc)
  }

  async get(key: Key, at?: Revision): Promise<Versioned | undefined> {
    const { kvs } = await this.range({ key: Buffer.from(key) }, at)
    return kvs[0] && versioned(kvs[0])
  }

  async list(prefix: Key, page: Page): Promise<Listing> {
    for (;;) {
      try {
        return await this.#list(prefix, page)
      } catch (error) {
        // History moved past the revision of our first part; the caller asked for none, so begin anew.
        if (!(error instanceof Compacted) || page.at !== undefined) throw error
      }
    }
  }

  /** @throws Compacted, FutureRevision */
  async range(request: RangeRequest, at: Revision | undefined): Promise<RangeResponse> {
    if (at === undefined) return this.#rpc.unary<RangeResponse>('KV', 'Range', request, true)
    // Before its first revision etcd has nothing; and 0 would mean the newest.
    const revision = at < 1n ? 1n : at
    try {
      return await this.#rpc.unary<RangeResponse>('KV', 'Range', { ...request, revision: `${revision}` }, true)
    } catch (error) {
      if (isCompacted(error)) throw new Compacted(at, await this.oldest())
      if (isFuture(error)) throw new FutureRevision(at, await this.newest())
      throw error
    }
  }

  /** It was compacted up to there by us. */
  compactedTo(revision: Revision): void {
    if (revision > this.#oldest) this.#oldest = revision
  }

  /** etcd tells its compacted revision only to a watch that asks for less. */
  async oldest(): Promise<Revision> {
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
          this.compactedTo(oldest)
          break
        }
      } finally {
        stream.cancel()
      }
      return this.#oldest
    }
  }

  async #list(prefix: Key, page: Page): Promise<Listing> {
    const range_end = etcdEnd(prefix)
    const entries: Versioned[] = []
    let at = page.at
    let key = Buffer.from(page.after === undefined || compareKeys(page.after, prefix) < 0 ? prefix : `${page.after}\0`)
    if (key.length === 0) key = firstKey
    for (let most = firstPageKeys; ; ) {
      const wanted = page.limit ? Math.min(page.limit - entries.length, most) : most
      const answer = await this.range({ key, range_end, limit: wanted }, at)
      at ??= BigInt(answer.header.revision)
      for (const kv of answer.kvs) entries.push(versioned(kv))
      if (!answer.more || (page.limit && entries.length >= page.limit))
        return { entries, revision: at, remaining: Number(answer.count) - answer.kvs.length }
      key = Buffer.concat([answer.kvs.at(-1)!.key, everything.key])
      most = nextPageKeys(answer.kvs)
    }
  }
}

/** As many as make a page of the bytes that it should have, if they are like these. */
function nextPageKeys(kvs: readonly KeyValue[]): number {
  const bytes = kvs.reduce((sum, kv) => sum + kv.key.length + kv.value.length, 0)
  return Math.max(1, Math.min(Math.floor((pageBytes * kvs.length) / bytes), mostPageKeys))
}

/** One question to a member that answers: what opens a store. */
export async function newestRevision(rpc: EtcdRpc): Promise<Revision> {
  // Of one key: to count them all, etcd would walk over them.
  const request = { key: firstKey, count_only: true }
  const { header } = await rpc.unary<{ header: Header }>('KV', 'Range', request, true)
  return BigInt(header.revision)
}

export function versioned(kv: KeyValue): Versioned {
  return {
    key: kv.key.toString(),
    value: unsigned(kv.value),
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
