import { type Clock, every } from '../../base/clock.ts'
import { explain, isAbort } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Listing, Store, StoreBatch, StoreEvent } from '../../db/store.ts'
import type { Resource } from '../resources.ts'
import { withRevision } from '../storage/object-bytes.ts'
import { registryPrefix } from '../storage/object-key.ts'
import { Arrivals } from './arrivals.ts'
import { Bucket } from './bucket.ts'
import { KeptObject, type Written } from './kept-object.ts'

export interface WatchCacheOptions {
  store: Store
  clock: Clock
  log: Logger
  /** Changes kept in memory for each resource; 4 096 unless said otherwise, and those of the last minutes. Older ones are read from the store. */
  ringSize?: number
}

/**
 * How long changes are kept in memory, in steps. Who resumes a watch or a list does so within minutes; a resource whose changes
 * come seldom would otherwise hold thousands of old states for weeks.
 */
const stepMs = 60_000
const steps = 5

/** So many are read at once: about one answer of the store's reader. */
const pageObjects = 2000

/**
 * The newest state of everything in the store, as bytes ready to be served, fed by one watch of the store. It knows
 * nothing before that is durable, and moves all resources forward together, so one number says how new it is.
 */
export class WatchCache {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #ringSize: number
  readonly #buckets = new Map<string, Bucket>()
  /** Prefixes that were let go, and when. */
  readonly #forgotten = new Map<string, number>()
  readonly #stop = new AbortController()
  /** What the writer already knows about bytes that will come back from the store. */
  readonly #known = new Map<string, { bytes: Uint8Array; written: Written }>()
  readonly #arrivals: Arrivals
  #revision = 0
  /** Revision of the first load: nothing older is in any ring. */
  #loaded = 0
  #running: Promise<void> | undefined
  #failed: unknown

  constructor(options: WatchCacheOptions) {
    this.#store = options.store
    this.#clock = options.clock
    this.#log = options.log
    this.#ringSize = options.ringSize ?? 4096
    this.#arrivals = new Arrivals(options.clock)
  }

  /** Newest revision of which everything is here. */
  get revision(): number {
    return this.#revision
  }

  get healthy(): boolean {
    return this.#failed === undefined && this.#running !== undefined
  }

  /** Reads everything, then follows the store until closed. */
  async start(): Promise<void> {
    const revision = await this.#store.revision()
    this.#loaded = Number(revision)
    const pageAfter = (after?: string) =>
      this.#store.list(registryPrefix, {
        at: revision,
        limit: pageObjects,
        uncounted: true,
        ...(after ? { after } : {}),
      })
    for (let next: Promise<Listing> | undefined = pageAfter(); next; ) {
      const { entries, remaining }: Listing = await next
      // The store reads the next page while this one is taken in.
      next = remaining > 0 ? pageAfter(entries.at(-1)!.key) : undefined
      for (const { key, value, revision } of entries) {
        const object = this.#keep(key, value, Number(revision))
        if (object) this.#bucketOfKey(key)!.load(object)
      }
    }
    this.#revision = this.#loaded
    this.#running = this.#follow()
    const before: number[] = []
    every(
      this.#clock,
      stepMs,
      () => {
        before.push(this.#revision)
        if (before.length > steps) this.#forgetThrough(before.shift()!)
      },
      this.#stop.signal,
    )
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  bucket(resource: Resource): Bucket {
    let bucket = this.#buckets.get(resource.prefix)
    if (!bucket) {
      bucket = this.#newBucket(resource.prefix, resource.namespaced)
    }
    return bucket
  }

  /** How many objects and watchers each stored resource has: `pods`, `deployments.apps`. */
  counts(): { resource: string; objects: number; watchers: number }[] {
    return [...this.#buckets.values()].map(({ prefix, size, listeners }) => {
      const [group, plural] = prefix.slice(registryPrefix.length, -1).split('/')
      return { resource: group === 'core' ? plural! : `${plural}.${group}`, objects: size, watchers: listeners.size }
    })
  }

  /** Nothing is served below this prefix any more. If it comes again, changes of before are read from the store. */
  forget(prefix: string): void {
    const bucket = this.#buckets.get(prefix)
    if (!bucket || bucket.size > 0) return
    this.#buckets.delete(prefix)
    this.#forgotten.set(prefix, this.#revision)
  }

  get(resource: Resource, namespace: string | undefined, name: string): KeptObject | undefined {
    return this.#buckets.get(resource.prefix)?.get(resource.namespaced ? (namespace ?? '') : '', name)
  }

  /** Of those that were met. */
  get unreadableCount(): number {
    let count = 0
    for (const bucket of this.#buckets.values()) count += bucket.unreadable().length
    return count
  }

  /** What of the store cannot be decoded. Looks at everything that was not looked at yet. */
  unreadable(): KeptObject[] {
    return [...this.#buckets.values()].flatMap(bucket => {
      bucket.list()
      return bucket.unreadable()
    })
  }

  /** Saves a parse of bytes that are about to be committed. Once they are, the value gets the number of the commit. */
  expect(key: string, bytes: Uint8Array, written: Written): void {
    this.#known.set(key, { bytes, written })
  }

  unexpect(key: string): void {
    this.#known.delete(key)
  }

  /** Resolves when everything up to `revision` is here. @returns false if that did not happen within `timeoutMs`. */
  reached(revision: number, timeoutMs = 30_000): Promise<boolean> {
    if (this.#revision >= revision) return Promise.resolve(true)
    return this.#arrivals.wait(revision, timeoutMs)
  }

  async #follow(): Promise<void> {
    for (let delayMs = 10; !this.#stop.signal.aborted; delayMs = Math.min(delayMs * 2, 1000)) {
      try {
        const batches = this.#store.watch('/', BigInt(this.#revision), this.#stop.signal)
        for await (const first of batches) {
          for (let batch: StoreBatch | undefined = first; batch; batch = batches.ready?.()) this.#take(batch)
          this.#failed = undefined
          delayMs = 10
        }
      } catch (error) {
        if (this.#stop.signal.aborted || isAbort(error)) return
        this.#failed = error
        this.#log.error({ error: explain(error) }, 'watch cache lost the store')
      }
      if (this.#stop.signal.aborted) return
      await new Promise<void>(resolve => this.#clock.schedule(delayMs, resolve))
    }
  }

  #forgetThrough(revision: number): void {
    for (const bucket of this.#buckets.values()) bucket.forgetThrough(revision)
  }

  #take({ events, revision }: StoreBatch): void {
    for (const event of events) this.#apply(event)
    this.#revision = Number(revision)
    this.#arrivals.reached(this.#revision)
  }

  #apply(event: StoreEvent): void {
    const bucket = this.#bucketOfKey(event.key)
    if (!bucket) return
    if (event.value) {
      const object = this.#keep(event.key, event.value, Number(event.revision))
      if (object) bucket.put(object)
      return
    }
    const place = placeOf(event.key, bucket)
    if (place) bucket.delete(place.namespace, place.name, Number(event.revision))
  }

  #keep(key: string, value: Uint8Array, revision: number): KeptObject | undefined {
    const bucket = this.#bucketOfKey(key)
    const place = bucket && placeOf(key, bucket)
    if (!place) return undefined
    const bytes = withRevision(value, revision)
    const written = this.#writtenAs(key, value)
    if (!written) return new KeptObject(key, place.namespace, place.name, revision, bytes)
    if (written.value) written.value.metadata.resourceVersion = String(revision)
    return new KeptObject(key, place.namespace, place.name, revision, bytes, bucket.withSharedParts(written))
  }

  /** What the writer knows of these bytes, if they are his. */
  #writtenAs(key: string, value: Uint8Array): Written | undefined {
    const known = this.#known.get(key)
    if (!known || (known.bytes !== value && Buffer.compare(known.bytes, value) !== 0)) return undefined
    this.#known.delete(key)
    return known.written
  }

  #bucketOfKey(key: string): Bucket | undefined {
    if (!key.startsWith(registryPrefix)) return undefined
    const first = key.indexOf('/', registryPrefix.length)
    const second = first < 0 ? -1 : key.indexOf('/', first + 1)
    if (second < 0) return undefined
    const prefix = key.slice(0, second + 1)
    let bucket = this.#buckets.get(prefix)
    if (!bucket) {
      // Met in the store before anybody asked: how deep the keys are says whether there are namespaces.
      bucket = this.#newBucket(prefix, key.indexOf('/', second + 1) >= 0)
    }
    return bucket
  }

  #newBucket(prefix: string, namespaced: boolean): Bucket {
    const since = this.#forgotten.get(prefix) ?? this.#loaded
    const bucket = new Bucket(prefix, namespaced, since, this.#ringSize)
    this.#buckets.set(prefix, bucket)
    return bucket
  }
}

/** Where an object of the bucket lives, from its key. */
export function placeOf(
  key: string,
  bucket: { prefix: string; namespaced: boolean },
): { namespace: string; name: string } | undefined {
  const rest = key.slice(bucket.prefix.length)
  if (!bucket.namespaced) return { namespace: '', name: rest }
  const slash = rest.indexOf('/')
  return slash < 0 ? undefined : { namespace: rest.slice(0, slash), name: rest.slice(slash + 1) }
}
