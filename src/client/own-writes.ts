import type { Clock } from '../base/clock.ts'
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../models/object.ts'

interface Pending {
  key: ObjectKey
  uid: string
}

interface Entry {
  created: Pending[]
  deleted: Pending[]
  sinceMs: number
}

/** How long a cache may lag before it is worth asking the server itself. */
const patienceMs = 5_000

/**
 * What a reconciler wrote for a key and its cache has not shown yet. While something is outstanding the cache must not be
 * counted: it would be created, or deleted, again. The first look at a key in the life of a process is never settled,
 * because what a predecessor wrote is unknown.
 */
export class OwnWrites {
  readonly #entries = new Map<string, Entry>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  created(owner: ObjectKey, object: KubeObject): void {
    this.#entry(owner).created.push(pending(object))
  }

  deleted(owner: ObjectKey, object: KubeObject): void {
    this.#entry(owner).deleted.push(pending(object))
  }

  /**
   * How far the cache can be trusted for `owner`:
   * `cache` it shows everything we did; `wait` it lags, it will be here soon; `live` ask the server, then call `listed`.
   */
  trust(owner: ObjectKey, lookup: (key: ObjectKey) => KubeObject | undefined): 'cache' | 'wait' | 'live' {
    const entry = this.#entries.get(keyText(owner))
    if (!entry) return 'live'
    entry.created = entry.created.filter(p => lookup(p.key)?.metadata.uid !== p.uid)
    entry.deleted = entry.deleted.filter(p => {
      const seen = lookup(p.key)
      return seen?.metadata.uid === p.uid && !seen.metadata.deletionTimestamp
    })
    if (!entry.created.length && !entry.deleted.length) {
      entry.sinceMs = this.#clock.monotonicMs()
      return 'cache'
    }
    return this.#clock.monotonicMs() - entry.sinceMs < patienceMs ? 'wait' : 'live'
  }

  /** When to look again after `wait`, in milliseconds. */
  get patienceMs(): number {
    return patienceMs
  }

  /**
   * The server was asked and said `live`, while the cache says `cached`: from here on the cache is waited for where it
   * differs, and what was outstanding before is settled.
   */
  listed(owner: ObjectKey, live: readonly KubeObject[], cached: readonly KubeObject[]): void {
    const entry = this.#entry(owner)
    const known = new Map(cached.map(o => [o.metadata.uid, o]))
    const alive = new Set(live.filter(o => !o.metadata.deletionTimestamp).map(o => o.metadata.uid))
    entry.created = live.filter(o => !known.has(o.metadata.uid)).map(pending)
    entry.deleted = cached.filter(o => !alive.has(o.metadata.uid)).map(pending)
    entry.sinceMs = this.#clock.monotonicMs()
  }

  /** The owner is gone. */
  forget(owner: ObjectKey): void {
    this.#entries.delete(keyText(owner))
  }

  #entry(owner: ObjectKey): Entry {
    const text = keyText(owner)
    let entry = this.#entries.get(text)
    if (!entry) this.#entries.set(text, (entry = { created: [], deleted: [], sinceMs: this.#clock.monotonicMs() }))
    return entry
  }
}

const pending = (object: KubeObject): Pending => ({ key: keyOf(object), uid: object.metadata.uid })
