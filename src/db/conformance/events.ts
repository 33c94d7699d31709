import type { Batches, Key, Revision, StoreBatch, StoreEvent } from '../store.ts'

/** Reads a watch from now on; the function it returns waits for the first `count` events. */
export function collect(reader: Reader): (count: number) => Promise<StoreEvent[]> {
  const events: StoreEvent[] = []
  let wanted = Number.POSITIVE_INFINITY
  let done = () => {}
  const reading = (async () => {
    for (;;) {
      const batch = await reader.next()
      if (!batch) return
      events.push(...batch.events)
      if (events.length >= wanted) done()
    }
  })()
  return count =>
    Promise.race([
      reading,
      new Promise<void>(resolve => {
        wanted = count
        done = resolve
        if (events.length >= count) resolve()
      }),
    ]).then(() => events)
}

/** Reads a watch piece by piece. */
export class Reader {
  readonly #watch: Batches
  readonly #iterator: AsyncIterator<StoreBatch>
  #taken = 0

  constructor(watch: Batches) {
    this.#watch = watch
    this.#iterator = watch[Symbol.asyncIterator]()
  }

  /** The next batch, with or without events; undefined at the end. */
  async next(): Promise<StoreBatch | undefined> {
    // Two of three without a wait, if they are there.
    const ready = this.#taken++ % 3 ? this.#watch.ready?.() : undefined
    const batch = ready ?? (await this.#iterator.next()).value
    return batch && { revision: batch.revision, events: batch.events.map(plainEvent) }
  }

  /** The next batch with events. */
  async batch(): Promise<StoreBatch> {
    for (;;) {
      const batch = await this.next()
      if (!batch) throw new Error('the watch ended')
      if (batch.events.length) return batch
    }
  }

  /** So many events; batches are taken whole. */
  async events(count: number): Promise<StoreEvent[]> {
    const events: StoreEvent[] = []
    while (events.length < count) events.push(...(await this.batch()).events)
    return events
  }
}

export function change(key: Key, value: string | undefined) {
  return { key, value: value === undefined ? undefined : bytes(value) }
}

export function event(
  type: StoreEvent['type'],
  key: Key,
  value: string | undefined,
  revision: Revision,
  created: Revision,
): StoreEvent {
  return {
    type,
    key,
    value: value === undefined ? undefined : bytes(value),
    revision,
    created,
  }
}

export function keysAndRevisions(events: StoreEvent[]) {
  return events.map(e => [e.key, e.revision])
}

/** Buffers and views compare equal to plain bytes. */
export function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value)
}

function plainEvent(e: StoreEvent): StoreEvent {
  return { ...e, value: e.value && plain(e.value) }
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}

export function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString()
}
