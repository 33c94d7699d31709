import { followAbort } from '../base/abort.ts'
import { type Backoff, backoffMs } from '../base/backoff.ts'
import { type Cancel, type Clock, sleep } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import { deepFreeze } from '../base/frozen.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { isExpired, isStorageReadError } from '../models/api-error.ts'
import { type Kind, resourceName } from '../models/kind.ts'
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../models/object.ts'
import type { Client, Selectors, WatchEvent, WatchEvents } from './client.ts'
import type { Informer, InformerHandler } from './informer.ts'
import { ObjectIndex } from './object-index.ts'
import { ServerUnreachable } from './transport.ts'

export interface InformerOptions {
  client: Client
  clock: Clock
  random: Random
  log: Logger
  /** Freeze objects deeply, so that a test fails where one is changed. */
  freeze?: boolean
}

const retry: Backoff = { baseMs: 200, maxMs: 30_000, jitter: 0.5 }
/** A server that is away is spared nothing by a longer wait, and once it is back what we see should be right within seconds. */
const away: Backoff = { ...retry, maxMs: 3_000 }
const pageSize = 500
/** A watch that ends sooner than this without an event counts as a failure, or a broken server would be asked in a tight loop. */
const shortestWatchMs = 1_000
/** Servers send a bookmark about every minute: a stream that is silent for longer than this has lost its other end. */
const longestSilenceMs = 150_000

/** Lists, then watches, from where it was after every loss; lists again only when the server has forgotten that place. */
export class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly kind: Kind<T>
  synced = false
  resourceVersion = ''
  readonly #options: InformerOptions
  readonly #selectors: Selectors
  readonly #objects = new ObjectIndex<T>()
  readonly #handlers = new Set<InformerHandler<T>>()
  readonly #stop = new AbortController()
  readonly #log: Logger
  readonly #firstList: Promise<void>
  #settle!: { resolve(): void; reject(reason: unknown): void }
  #done: Promise<void>

  constructor(kind: Kind<T>, selectors: Selectors, options: InformerOptions) {
    this.kind = kind
    this.#selectors = selectors
    this.#options = options
    this.#log = options.log.child({ informer: resourceName(kind) })
    this.#firstList = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.#firstList.catch(() => {})
    this.#done = this.#run()
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key)
  }

  list(namespace?: string): T[] {
    return this.#objects.list(namespace)
  }

  addIndex(name: string, values: (object: T) => string[]): void {
    this.#objects.addIndex(name, values)
  }

  byIndex(name: string, value: string): T[] {
    if (!this.#objects.hasIndex(name))
      throw new TypeError(`the informer of ${resourceName(this.kind)} has no index "${name}"; declare it with addIndex`)
    return this.#objects.byIndex(name, value)
  }

  subscribe(handler: InformerHandler<T>): () => void {
    for (const object of this.#objects.list()) this.#call(handler, 'added', object)
    this.#handlers.add(handler)
    return () => void this.#handlers.delete(handler)
  }

  ready(signal?: AbortSignal): Promise<void> {
    if (this.synced || !signal) return this.#firstList
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#firstList.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException('the informer was closed', 'AbortError'))
    this.#settle.reject(this.#stop.signal.reason)
    await this.#done
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options
    const { signal } = this.#stop
    let failures = 0
    let listed = false
    let forgotten = false
    let policy = retry
    while (!signal.aborted) {
      try {
        if (!listed) {
          await this.#relist(forgotten)
          listed = true
          forgotten = false
        }
        if (await this.#watch()) failures = 0
        else failures++
      } catch (error) {
        if (signal.aborted) return
        if (isExpired(error) || isStorageReadError(error)) {
          // The server no longer knows our place, or cannot say what was deleted: take a fresh list, at the newest revision.
          this.#log.info({ resourceVersion: this.resourceVersion, error: explain(error) }, 'listing again')
          if (forgotten) failures++
          listed = false
          forgotten = true
        } else {
          failures++
          policy = error instanceof ServerUnreachable ? away : retry
          // The first time, and then ever more rarely: 1, 2, 4, 8, …
          if (Number.isInteger(Math.log2(failures)))
            this.#log.warn({ error: explain(error), failures }, listed ? 'watch lost' : 'list failed')
        }
      }
      if (failures) await sleep(clock, backoffMs(policy, failures, random), signal).catch(() => {})
    }
  }

  /** Any state not older than ours will do, unless the server has forgotten ours: then the newest. */
  async #relist(newest: boolean): Promise<void> {
    const { client, freeze } = this.#options
    const seen = new Map<string, T>()
    const first = newest ? {} : { resourceVersion: this.resourceVersion || '0' }
    let next: string | undefined
    let revision = ''
    do {
      const page = await client.list(this.kind, {
        ...this.#selectors,
        limit: pageSize,
        signal: this.#stop.signal,
        ...(next ? { continue: next } : first),
      })
      for (const object of page.items) seen.set(keyText(keyOf(object)), freeze ? deepFreeze(object) : object)
      revision = page.metadata.resourceVersion
      next = page.metadata.continue || undefined
    } while (next)

    for (const key of [...this.#objects.keys()]) if (!seen.has(key)) this.#remove(key)
    for (const object of seen.values()) {
      const known = this.#objects.get(keyOf(object))
      if (known?.metadata.resourceVersion !== object.metadata.resourceVersion) this.#put(object)
    }
    this.resourceVersion = revision
    if (!this.synced) {
      this.synced = true
      this.#settle.resolve()
    }
  }

  /** @returns whether the watch was of any use: it lasted, or it brought something. */
  async #watch(): Promise<boolean> {
    const { client, clock, random } = this.#options
    const began = clock.monotonicMs()
    let events = 0
    let heardMs = began
    const end = new AbortController()
    const unfollow = followAbort(end, this.#stop.signal)
    // One timer for as long as silence may last from now on: dozens of informers would else wake the process all the time.
    const listen = (): Cancel =>
      clock.schedule(heardMs + longestSilenceMs - clock.monotonicMs(), () => {
        if (clock.monotonicMs() - heardMs < longestSilenceMs) cancel = listen()
        else end.abort(new Error('the watch fell silent'))
      })
    let cancel = listen()
    const stream = client.watch(this.kind, {
      ...this.#selectors,
      resourceVersion: this.resourceVersion,
      bookmarks: true,
      timeoutSeconds: 300 + Math.floor(random.next() * 300),
      signal: end.signal,
    })
    try {
      await this.#follow(stream, () => {
        events++
        heardMs = clock.monotonicMs()
      })
    } finally {
      cancel()
      unfollow()
      end.abort()
    }
    return events > 0 || clock.monotonicMs() - began >= shortestWatchMs
  }

  async #follow(stream: WatchEvents<T>, heard: () => void): Promise<void> {
    for await (const first of stream) {
      heard()
      // Events come in groups, as commits do: of those that are there already none is waited for.
      for (let event: WatchEvent<T> | undefined = first; event; event = stream.ready?.()) this.#take(event)
    }
  }

  #take({ type, object }: WatchEvent<T>): void {
    const { freeze } = this.#options
    if (type === 'DELETED') this.#remove(keyText(keyOf(object)), freeze ? deepFreeze(object) : object)
    else if (type !== 'BOOKMARK') this.#put(freeze ? deepFreeze(object) : object)
    this.resourceVersion = object.metadata.resourceVersion
  }

  #put(object: T): void {
    const key = keyText(keyOf(object))
    const known = this.#objects.byText(key)
    // Deleted and created again within a gap: two objects, although of one name.
    const another = known !== undefined && known.metadata.uid !== object.metadata.uid
    if (another) this.#remove(key)
    const old = another ? undefined : known
    this.#objects.replace(key, object, old)
    for (const handler of this.#handlers)
      if (old) this.#call(handler, 'updated', object, old)
      else this.#call(handler, 'added', object)
  }

  #remove(key: string, last?: T): void {
    const old = this.#objects.delete(key)
    if (old) for (const handler of this.#handlers) this.#call(handler, 'deleted', last ?? old)
  }

  #call(handler: InformerHandler<T>, what: keyof InformerHandler<T>, object: T, old?: T): void {
    try {
      if (what === 'updated') handler.updated?.(object, old!)
      else handler[what]?.(object)
    } catch (error) {
      this.#log.error({ error: explain(error), object: keyText(keyOf(object)), what }, 'handler failed')
    }
  }
}
