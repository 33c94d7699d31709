import { withSharedParts } from '../../base/shared-parts.ts'
import { KeptEvent } from './kept-event.ts'
import type { KeptObject, Written } from './kept-object.ts'
import { OrderedObjects } from './ordered-objects.ts'

/** Hears of each change of a bucket, in order. */
export interface BucketListener {
  changed(event: KeptEvent): void
  /** An object that could not be decoded was deleted. Who has no word for it hears of the deletion of its last readable state. */
  lost?(object: KeptObject): void
}

const none: readonly KeptObject[] = []

/** Everything of one stored resource: the newest state of each object, and the last changes. */
export class Bucket {
  readonly prefix: string
  readonly namespaced: boolean
  readonly listeners = new Set<BucketListener>()
  readonly #spaces = new Map<string, OrderedObjects>()
  #spaceOrder: string[] | undefined
  readonly #unreadable = new Map<string, KeptObject>()
  /** What there was before an object became one that cannot be decoded, as those who watch still see it. */
  readonly #lastReadable = new Map<string, KeptObject>()
  readonly #ringSize: number
  #ring: KeptEvent[] = []
  #ringStart = 0
  /** Changes after this revision are in the ring. */
  #oldest: number
  #size = 0
  /** What was written last. */
  #latest: Written | undefined

  constructor(prefix: string, namespaced: boolean, revision: number, ringSize: number) {
    this.prefix = prefix
    this.namespaced = namespaced
    this.#oldest = revision
    this.#ringSize = ringSize
  }

  get size(): number {
    return this.#size
  }

  get(namespace: string, name: string): KeptObject | undefined {
    const object = this.#spaces.get(namespace)?.get(name)
    return object && this.#isReadable(object) ? object : undefined
  }

  /** In order of key; all namespaces unless one is given. Of one namespace, the same list until something changes there. */
  list(namespace?: string): readonly KeptObject[] {
    const space = this.namespaced ? namespace : ''
    const out =
      space !== undefined
        ? (this.#spaces.get(space)?.all() ?? none)
        : this.#orderedSpaces().flatMap(name => this.#spaces.get(name)!.all())
    return out.every(o => this.#isReadable(o)) ? out : out.filter(o => this.#isReadable(o))
  }

  /**
   * The same as it was at a revision not after the newest; undefined when the ring does not reach back so far, or what
   * cannot be decoded would have to be told apart from what was not there.
   */
  listAt(revision: number, namespace?: string): readonly KeptObject[] | undefined {
    const changes = this.since(revision)
    if (!changes) return undefined
    const present = this.list(namespace)
    if (this.#unreadable.size > 0) return undefined
    if (changes.length === 0) return present
    // Of each object the first change since says what was there before.
    const before = new Map<string, KeptObject | undefined>()
    for (const { object, previous } of changes) {
      const { key, namespace: space } = (object ?? previous)!
      if ((namespace === undefined || space === namespace) && !before.has(key)) before.set(key, previous)
    }
    const out = present.filter(o => !before.has(o.key))
    for (const object of before.values()) if (object) out.push(object)
    return out.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Those that cannot be decoded, as far as they were met: no reader and no watcher sees them. */
  unreadable(namespace?: string): KeptObject[] {
    const all = [...this.#unreadable.values()]
    return namespace === undefined ? all : all.filter(o => o.namespace === namespace)
  }

  #isReadable(object: KeptObject): boolean {
    if (object.readable) return true
    this.#unreadable.set(object.key, object)
    return false
  }

  /**
   * The same, with all that is as in the object that was written before it kept once: objects come in series, made from
   * one template, or are written again with a new status. Changes it; nobody changes it any more.
   */
  withSharedParts(written: Written): Written {
    this.#latest = withSharedParts(written, this.#latest)
    return this.#latest
  }

  /** Takes in a state without telling anybody: at start. */
  load(object: KeptObject): void {
    this.#put(object)
  }

  put(object: KeptObject): void {
    const previous = this.#seenBefore(this.#put(object))
    if (this.#isReadable(object)) {
      this.#lastReadable.delete(object.key)
      this.#publish(new KeptEvent(object.revision, object, previous))
      // What cannot be read is no news of a deletion: whoever watches keeps what there was.
    } else if (previous) this.#lastReadable.set(object.key, previous)
  }

  delete(namespace: string, name: string, revision: number): void {
    const space = this.#spaces.get(namespace)
    const previous = space?.delete(name)
    if (!previous) return
    this.#unreadable.delete(previous.key)
    this.#size--
    if (space!.size === 0) {
      this.#spaces.delete(namespace)
      this.#spaceOrder = undefined
    }
    const seen = this.#seenBefore(previous)
    this.#lastReadable.delete(previous.key)
    const event = seen && new KeptEvent(revision, undefined, seen)
    if (previous.readable) this.#publish(event!)
    else this.#lose(previous, revision, event)
  }

  /** The last state of it that listeners saw. */
  #seenBefore(state: KeptObject | undefined): KeptObject | undefined {
    return state && (state.readable ? state : this.#lastReadable.get(state.key))
  }

  /** Whoever resumes from before has to list again, as with Kubernetes: nobody can tell what the object was to them. */
  #lose(object: KeptObject, revision: number, event: KeptEvent | undefined): void {
    this.#ring = []
    this.#ringStart = 0
    this.#oldest = revision
    for (const listener of this.listeners) {
      if (listener.lost) listener.lost(object)
      else if (event) listener.changed(event)
    }
  }

  /** The changes after `revision`, or undefined when the ring does not reach back so far. */
  since(revision: number): KeptEvent[] | undefined {
    if (revision < this.#oldest) return undefined
    let low = this.#ringStart
    let high = this.#ring.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ring[middle]!.revision <= revision) low = middle + 1
      else high = middle
    }
    return this.#ring.slice(low)
  }

  #put(object: KeptObject): KeptObject | undefined {
    let space = this.#spaces.get(object.namespace)
    if (!space) {
      this.#spaces.set(object.namespace, (space = new OrderedObjects()))
      this.#spaceOrder = undefined
    }
    const previous = space.set(object.name, object)
    if (previous) this.#unreadable.delete(previous.key)
    if (!previous) this.#size++
    return previous
  }

  /** Forgets the changes up to a revision: those who want them read them from the store. */
  forgetThrough(revision: number): void {
    const later = this.since(revision)
    if (!later || this.#ring.length - this.#ringStart === later.length) return
    this.#oldest = revision
    this.#ring = later
    this.#ringStart = 0
  }

  #publish(event: KeptEvent): void {
    this.#ring.push(event)
    if (this.#ring.length - this.#ringStart > this.#ringSize) {
      this.#oldest = this.#ring[this.#ringStart]!.revision
      this.#ringStart++
      if (this.#ringStart >= this.#ringSize / 4) {
        this.#ring = this.#ring.slice(this.#ringStart)
        this.#ringStart = 0
      }
    }
    for (const listener of this.listeners) listener.changed(event)
    event.forgetFrames()
  }

  #orderedSpaces(): string[] {
    // As the store orders keys: "a/x" comes after "a-b/x", since "/" is after "-".
    this.#spaceOrder ??= [...this.#spaces.keys()].sort((a, b) => (`${a}/` < `${b}/` ? -1 : 1))
    return this.#spaceOrder
  }
}
