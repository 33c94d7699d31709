import { OptiFlowError } from '../../base/errors.ts'
import { type Author, type Change, type Key, type Revision, type Store, StoreConflict } from '../../db/store.ts'
import { ApiError, alreadyExistsError } from '../../models/api-error.ts'
import type { AnyObject } from '../../models/object.ts'
import { maxBodyBytes } from '../bodies/limits.ts'
import type { Resource } from '../resources.ts'
import { factsOf, KeptObject } from '../watch-cache/kept-object.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import { type Fence, fenceRevision, staleLeader } from './fence.ts'
import { encodeWritten, withRevision } from './object-bytes.ts'
import { objectStoreKey } from './object-key.ts'

/** Something that changes in the same commit as an object: an address or a port that is taken or given back, the use of a quota. */
export interface Claim {
  key: Key
  /** Taken: what is written, for people who look; given back: undefined. */
  value: Uint8Array | undefined
  /** Given: nothing new, but what was there at this revision, changed. */
  seen?: Revision
}

/** On whose behalf something is written. */
export interface Origin {
  author: Author
  /** Undefined: whenever it arrives. */
  fence?: { fence: Fence; leases: Resource }
}

/** The server itself, where nobody asked. */
const ownOrigin: Origin = { author: { user: 'system:apiserver', request: '' } }

/** Small patches may not make an object that no single request could have brought. */
const maxObjectBytes = maxBodyBytes

/** The object changed since it was read. Read again, decide again. */
export class StaleObject extends OptiFlowError {}

/** Somebody else took this key first. */
export class ClaimTaken extends OptiFlowError {
  readonly key: Key
  constructor(key: Key, options: { cause?: unknown }) {
    super(`${key} is already taken`, options)
    this.key = key
  }
}

/** Something that was to change in the same commit changed since it was read. Decide again what becomes of it. */
export class ClaimMoved extends OptiFlowError {}

/**
 * Writes of whole objects, in stored form, each with its claims in one commit; what they return is durable and visible to
 * all. Objects that were written are read by everybody from then on: their writers let go of them unchanged.
 */
export class ObjectStore {
  readonly #store: Store
  readonly #cache: WatchCache
  readonly #origin: Origin

  constructor(store: Store, cache: WatchCache, origin: Origin = ownOrigin) {
    this.#store = store
    this.#cache = cache
    this.#origin = origin
  }

  /** The same for one request: what it writes has its author, and is written only while its fence stands. */
  of(origin: Origin): ObjectStore {
    return new ObjectStore(this.#store, this.#cache, origin)
  }

  /**
   * @param asked as which its writer knows it
   * @throws ApiError AlreadyExists, ClaimTaken, ClaimMoved
   */
  create(
    resource: Resource,
    object: AnyObject,
    claims: Claim[] = [],
    asked: Resource['kind'] = resource.kind,
  ): Promise<KeptObject> {
    const { namespace, name } = object.metadata
    const key = objectStoreKey(resource, namespace, name)
    return this.#put(resource, key, object, 0n, claims).catch(error => {
      if (!(error instanceof StaleObject)) throw error
      throw alreadyExistsError(asked, name, this.#cache.get(resource, namespace, name)?.leaving)
    })
  }

  /** @throws StaleObject, ClaimTaken, ClaimMoved */
  replace(resource: Resource, before: KeptObject, object: AnyObject, claims: Claim[] = []): Promise<KeptObject> {
    return this.#put(resource, before.key, object, BigInt(before.revision), claims)
  }

  /** @returns the revision of the deletion. @throws StaleObject */
  remove(before: KeptObject, claims: Claim[] = []): Promise<number> {
    return this.#commit(before.key, undefined, BigInt(before.revision), claims)
  }

  #put(resource: Resource, key: Key, object: AnyObject, seen: Revision, claims: Claim[]): Promise<KeptObject> {
    const { bytes, plain } = encodeWritten(object)
    if (bytes.length > maxObjectBytes)
      throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxObjectBytes}`)
    const written = { facts: factsOf(resource.stored, object), value: plain ? object : undefined }
    this.#cache.expect(key, bytes, written)
    const { namespace, name } = object.metadata
    return this.#commit(key, bytes, seen, claims).then(revision => {
      const kept = this.#cache.get(resource, namespace, name)
      if (kept?.revision === revision) return kept
      return new KeptObject(key, namespace ?? '', name, revision, withRevision(bytes, revision))
    })
  }

  async #commit(key: Key, value: Uint8Array | undefined, seen: Revision, claims: Claim[]): Promise<number> {
    const changes: Change[] = [{ key, value }]
    const expected = new Map<Key, Revision>([[key, seen]])
    for (const claim of claims) {
      changes.push({ key: claim.key, value: claim.value })
      if (claim.seen !== undefined) expected.set(claim.key, claim.seen)
      else if (claim.value) expected.set(claim.key, 0n)
    }
    try {
      const { author, fence } = this.#origin
      const committed = fence
        ? this.#commitFenced(changes, expected, fence)
        : this.#store.commit(changes, expected, author)
      const revision = Number(await committed)
      if (this.#cache.revision < revision) await this.#cache.reached(revision)
      return revision
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error
      const claim = claims.find(c => c.key === error.key)
      if (claim && claim.seen === undefined) throw new ClaimTaken(error.key, { cause: error })
      // Several servers on one store: the newer state is on its way.
      if (error.actual) await this.#cache.reached(Number(error.actual.revision), 5_000)
      if (claim) throw new ClaimMoved(`${claim.key} changed since it was read`, { cause: error })
      throw new StaleObject(`object ${key} changed since it was read`, { cause: error })
    } finally {
      if (value) this.#cache.unexpect(key)
    }
  }

  /** The leader may renew its Lease meanwhile: then it is looked at again. */
  async #commitFenced(
    changes: Change[],
    expected: Map<Key, Revision>,
    { fence, leases }: NonNullable<Origin['fence']>,
  ): Promise<Revision> {
    const { author } = this.#origin
    const key = objectStoreKey(leases, fence.namespace, fence.name)
    for (;;) {
      const lease = this.#cache.get(leases, fence.namespace, fence.name)
      const seen = new Map(expected).set(key, fenceRevision(fence, lease))
      try {
        return await this.#store.commit(changes, seen, author)
      } catch (error) {
        if (!(error instanceof StoreConflict) || error.key !== key) throw error
        if (!error.actual) throw staleLeader(fence, undefined)
        await this.#cache.reached(Number(error.actual.revision))
      }
    }
  }
}
