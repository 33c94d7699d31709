import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Kind } from '../models/kind.ts'
import type { AnyObject, KubeObject, ObjectKey } from '../models/object.ts'
import type { Client } from './client.ts'
import type { EventRecorder } from './events.ts'
import { isOfKind } from './owner.ts'

/**
 * A controller: given a key, it brings the world one step closer to what the object asks for. It is told which object,
 * never what happened, so it may be called at any time, twice, or after a restart. One file each, and one line in
 * main/reconcilers.ts.
 */
export interface Reconciler {
  /** `deployment`; names its queue and metrics. */
  name: string
  /** Who its events are from, in Kubernetes' word for it; `<name>-controller` unless given. */
  eventsFrom?: string
  primary: Kind<any>
  /**
   * Whether such a state of a primary object is any business of it; unless given, every one is. Asked of the old and of the
   * new state: most changes of the many pods are for few.
   */
  concerns?(object: any): boolean
  /** Changes of other kinds that concern our keys. */
  watches?: Watch[]
  /** What is no object and concerns our keys too. */
  sources?: Source[]
  /** Everything it writes. `status` of one kind has one owner. An undeclared write throws in tests. */
  writes: Write[]
  /** Keys worked on at once; 4 unless said otherwise. */
  concurrency?: number
  /**
   * @returns when to look again, in milliseconds, if nothing happens before.
   * A rejection is retried with back-off (5 ms doubling to 1 000 s, as upstream's).
   */
  reconcile(key: ObjectKey, world: World): Promise<void | { afterMs: number }>
}

export interface Watch {
  kind: Kind<any>
  /** The primary's keys that a change of `object` concerns. Called with the old and the new state. */
  keys(object: any, cache: Cache): ObjectKey[]
}

export interface Source {
  /** @param changed is called at each change. @returns how to call it off */
  subscribe(changed: () => void): () => void
  /** The primary's keys that a change concerns. */
  keys(cache: Cache): ObjectKey[]
}

export interface Write {
  /** '*' for the few that act on whatever kind there is (garbage collection, namespace deletion). */
  kind: Kind<any> | '*'
  /**
   * `owned`: the whole object, creation and deletion; `metadata`: finalizers, labels, owner references only; `status`: all of it, as its one
   * owner; `condition`: a condition or phase of its own in a status that somebody else owns (the agent's Pods and Nodes).
   */
  part: 'owned' | 'status' | 'metadata' | 'condition'
}

export interface World {
  cache: Cache
  client: Client
  events: EventRecorder
  clock: Clock
  random: Random
  log: Logger
  /** Aborts when the runner stops. */
  signal: AbortSignal
}

/** What the informers know: fast, local, a little behind. Objects are shared and frozen in tests: copy before changing. */
export interface Cache {
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): T | undefined
  list<T extends KubeObject>(kind: Kind<T>, namespace?: string): T[]
  /** Objects of `kind` whose controlling owner has this uid. */
  ownedBy<T extends KubeObject>(kind: Kind<T>, ownerUid: string): T[]
  /** Objects of `kind` in a namespace that no controller owns: the ones that may be adopted. */
  orphans<T extends KubeObject>(kind: Kind<T>, namespace: string | undefined): T[]
  /** Objects that have this value in the index, which is built the first time it is asked for and kept from then on. */
  byIndex<T extends KubeObject>(index: CacheIndex<T>, value: string): T[]
}

/** A way to find objects of a kind without looking at all of them. */
export interface CacheIndex<T extends KubeObject> {
  kind: Kind<T>
  /** Different for each index of the kind. */
  name: string
  values(object: T): string[]
}

export type { AnyObject }

/** A Watch that maps a dependent to its controlling owner, if the owner is of `ownerKind`. */
export function ownerWatch(kind: Kind<any>, ownerKind: Kind<any>): Watch {
  return {
    kind,
    keys(object: KubeObject) {
      const ref = object.metadata.ownerReferences?.find(r => r.controller)
      if (!ref || !isOfKind(ref, ownerKind)) return []
      return ownerKind.scope === 'Cluster'
        ? [{ name: ref.name }]
        : [{ namespace: object.metadata.namespace!, name: ref.name }]
    },
  }
}
