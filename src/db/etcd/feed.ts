import type { ClientDuplexStream } from '@grpc/grpc-js'
import { backoffMs } from '../../base/backoff.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { Compacted, type Revision, type StoreBatch, type StoreEvent } from '../store.ts'
import { eventType, type WatchEvent, type WatchResponse } from './messages.ts'
import { noteKey } from './note.ts'
import type { EtcdRpc } from './rpc.ts'
import { unsigned } from './signed.ts'

/** The first key that may be somebody's. */
export const firstKey = Buffer.from([2])

/** From the first possible key to the last. */
export const everything = { key: Buffer.from([0]), range_end: Buffer.from([0]) }

export interface FeedOptions {
  rpc: EtcdRpc
  clock: Clock
  log: Logger
  /** Newest revision at the start. */
  from: Revision
  publish(batch: StoreBatch): void
  /** History was compacted while etcd could not be reached: what happened in between is gone. */
  onGap(error: Compacted): void
}

/**
 * One watch of all keys, for as long as the store is open: each revision of etcd is a change of some key, so this also says
 * exactly how far the store has got. After a break it goes on with another member where it stopped.
 */
export class Feed {
  readonly #options: FeedOptions
  #stream: ClientDuplexStream<object, WatchResponse> | undefined
  #through: Revision
  #failures = 0
  #retry: Cancel | undefined
  #closed = false
  readonly #waiting: (() => void)[] = []

  constructor(options: FeedOptions) {
    this.#options = options
    this.#through = options.from
    void this.#connect()
  }

  /** Resolves when everything up to `revision` was published, or the feed is closed. */
  async reached(revision: Revision): Promise<void> {
    while (this.#through < revision && !this.#closed) {
      await new Promise<void>(resolve => {
        this.#waiting.push(resolve)
      })
    }
  }

  close(): void {
    this.#closed = true
    this.#wake()
    this.#retry?.()
    this.#stream?.cancel()
  }

  async #connect(): Promise<void> {
    const { rpc } = this.#options
    try {
      const stream = await rpc.watch({ ...everything, start_revision: `${this.#through}` })
      if (this.#closed) {
        stream.cancel()
        return
      }
      this.#stream = stream
      stream.on('data', (response: WatchResponse) => this.#receive(response))
      stream.once('error', error => this.#broken(stream, error))
      stream.once('end', () => this.#broken(stream, new Error('etcd ended the watch')))
    } catch (error) {
      this.#broken(undefined, error)
    }
  }

  #receive(response: WatchResponse): void {
    this.#failures = 0
    for (const batch of batchesOf(response.events)) {
      if (batch.revision <= this.#through) continue
      this.#through = batch.revision
      this.#options.publish(batch)
    }
    this.#wake()
    if (!response.canceled) return
    const oldest = BigInt(response.compact_revision)
    if (oldest > 0n) {
      const gap = new Compacted(this.#through, oldest)
      this.#through = oldest
      this.#options.onGap(gap)
      this.#wake()
    }
    this.#stream?.end()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #broken(stream: ClientDuplexStream<object, WatchResponse> | undefined, error: unknown): void {
    if (this.#closed || this.#stream !== stream) return
    const { rpc, clock, log } = this.#options
    this.#stream = undefined
    this.#failures++
    log.warn({ endpoint: rpc.endpoint, error: explain(error) }, 'watch of etcd broke')
    rpc.moveOn()
    const delay = backoffMs({ baseMs: 50, maxMs: 2000 }, this.#failures)
    this.#retry = clock.schedule(delay, () => void this.#connect())
  }
}

/** Events of one revision together; etcd never splits a revision over two responses. */
export function batchesOf(events: WatchEvent[]): StoreBatch[] {
  const batches: StoreBatch[] = []
  for (const found of events) {
    const event = eventOf(found)
    if (event.key === noteKey) continue
    if (batches.at(-1)?.revision !== event.revision) batches.push({ revision: event.revision, events: [] })
    batches.at(-1)!.events.push(event)
  }
  return batches
}

function eventOf({ type, kv }: WatchEvent): StoreEvent {
  const deleted = type === eventType.delete
  return {
    type: deleted ? 'delete' : 'put',
    key: kv.key.toString(),
    value: deleted ? undefined : unsigned(kv.value),
    revision: BigInt(kv.mod_revision),
    created: deleted ? 0n : BigInt(kv.create_revision),
  }
}
