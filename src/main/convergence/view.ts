import { Channel } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { Client, WatchEvent } from '../../client/index.ts'
import { type KubeObject, keyOf, keyText } from '../../models/object.ts'

/** How controllers see the world through their informers. */
export interface View {
  /** The client that informers list and watch by. */
  client: Client
  /** From now on nothing new is seen. */
  hold(): void
  /** What was held is seen: each change, or, as after a new list, only how things are now. */
  release(skipping: boolean): void
  held: boolean
}

export interface ViewOptions {
  client: Client
  clock: Clock
  /** Every event comes so much later. */
  lateMs?: number
  /** Lists are as they were at this revision, as from a server that is behind. */
  at?: string
  signal: AbortSignal
}

/** Everything as it is, later, not at all, or with gaps. */
export function createView({ client, clock, lateMs = 0, at, signal }: ViewOptions): View {
  const streams = new Set<Stream>()
  let held = false
  const list: Client['list'] = (kind, options) => {
    if (!at) return client.list(kind, options)
    const { resourceVersion: _, ...rest } = options ?? {}
    if (rest.continue) return client.list(kind, rest)
    return client.list(kind, { ...rest, resourceVersion: at, resourceVersionMatch: 'Exact' })
  }
  async function* watch(kind: any, options: Parameters<Client['watch']>[1]): AsyncGenerator<WatchEvent<any>, void> {
    const stream: Stream = { out: new Channel(), waiting: [] }
    streams.add(stream)
    const deliver = (event: WatchEvent<any>) => (held ? stream.waiting.push(event) : stream.out.push(event))
    const pump = async () => {
      for await (const event of client.watch(kind, { ...options, signal: AbortSignal.any([options.signal, signal]) }))
        if (lateMs) clock.schedule(lateMs, () => deliver(event))
        else deliver(event)
      stream.out.end()
    }
    pump().catch(error => stream.out.fail(error))
    try {
      yield* stream.out
    } finally {
      streams.delete(stream)
    }
  }
  return {
    client: { ...client, list, watch: watch as Client['watch'] },
    get held() {
      return held
    },
    hold() {
      held = true
    },
    release(skipping) {
      held = false
      for (const stream of streams) {
        for (const event of skipping ? onlyLatest(stream.waiting) : stream.waiting) stream.out.push(event)
        stream.waiting = []
      }
    },
  }
}

interface Stream {
  out: Channel<WatchEvent<any>>
  waiting: WatchEvent<any>[]
}

/** The last event of each object: what lay between is never seen, not even that another object had its name. */
export function onlyLatest<T extends KubeObject>(events: readonly WatchEvent<T>[]): WatchEvent<T>[] {
  const last = new Map<string, WatchEvent<T>>()
  for (const event of events) {
    if (event.type === 'BOOKMARK') continue
    const key = keyText(keyOf(event.object))
    last.delete(key)
    last.set(key, event)
  }
  return [...last.values()]
}
