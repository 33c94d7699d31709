import type { Kind } from '../models/kind.ts'
import type { KubeObject, ObjectKey } from '../models/object.ts'
import type { Selectors } from './client.ts'

/**
 * A live copy of all objects of one kind (list, then watch, again after a loss). Handlers run in order of
 * revision; an object that vanished during a gap is reported as deleted with its last known state.
 */
export interface Informer<T extends KubeObject> extends AsyncDisposable {
  kind: Kind<T>
  /** Resolves when the first list is in. */
  ready(signal?: AbortSignal): Promise<void>
  synced: boolean
  get(key: ObjectKey): T | undefined
  list(namespace?: string): T[]
  addIndex(name: string, values: (object: T) => string[]): void
  byIndex(name: string, value: string): T[]
  /** The handler hears of everything known now (as added), then of changes. Returns a function that ends it. */
  subscribe(handler: InformerHandler<T>): () => void
  /** Of the newest state seen. */
  resourceVersion: string
}

export interface InformerHandler<T> {
  added?(object: T): void
  updated?(object: T, old: T): void
  deleted?(object: T): void
}

/** One informer per kind and selector, shared by everybody in the process. */
export interface InformerSet extends AsyncDisposable {
  for<T extends KubeObject>(kind: Kind<T>, selectors?: Selectors): Informer<T>
  /** Resolves when all that were asked for have their first list. */
  ready(signal?: AbortSignal): Promise<void>
}
