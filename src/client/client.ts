import type { Kind } from '../models/kind.ts'
import type { Draft, KubeObject, ObjectKey, ObjectList } from '../models/object.ts'
import type { ApiReply } from '../models/rest.ts'

/**
 * The typed client of the API: the same over HTTP and in process. Objects it returns are the caller's to change,
 * and always have apiVersion and kind. Every method rejects with ApiError when the server refuses, with
 * ServerUnreachable when it cannot be asked.
 */
export interface Client {
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, options?: CallOptions): Promise<T>
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>>
  /** Ends when the server ends it or the signal aborts. @throws ApiError Expired (410) from the stream too. */
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): WatchEvents<T>
  /** `namespace` in metadata for namespaced kinds. */
  create<T extends KubeObject>(kind: Kind<T>, draft: Draft<T>, options?: WriteOptions): Promise<T>
  /** Optimistic: fails with Conflict if `object.metadata.resourceVersion` is not the newest. */
  update<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>
  /** Writes only `.status` (and is as optimistic). */
  updateStatus<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>
  patch<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>
  /** Resolves when accepted; the object may live on until its finalizers or grace period end. */
  delete<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>
  /** POST to a subresource: binding, eviction, token. Returns the decoded reply. */
  post<R = unknown>(
    kind: Kind<any>,
    key: ObjectKey,
    subresource: string,
    body: object,
    options?: CallOptions,
  ): Promise<R>
  /** Any path of the API, for what the typed methods do not cover (logs, discovery, health). */
  raw(method: string, url: string, options?: RawOptions): Promise<ApiReply>
  /**
   * The same client, whose writes the server carries out only while this term of leadership lasts, and then refuses (403).
   * @param fence of Leadership
   */
  under(fence: string): Client
}

export interface CallOptions {
  signal?: AbortSignal
}

export interface Selectors {
  /** Undefined: all namespaces. */
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}

export interface ListOptions extends CallOptions, Selectors {
  limit?: number
  continue?: string
  resourceVersion?: string
  resourceVersionMatch?: 'Exact' | 'NotOlderThan'
}

export interface WatchOptions extends Selectors {
  resourceVersion: string
  signal: AbortSignal
  bookmarks?: boolean
  timeoutSeconds?: number
}

export interface WriteOptions extends CallOptions {
  subresource?: 'status' | 'scale' | (string & {})
  fieldManager?: string
  dryRun?: boolean
}

export interface DeleteOptions extends CallOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  uid?: string
  resourceVersion?: string
}

export interface RawOptions extends CallOptions {
  headers?: Record<string, string>
  body?: Uint8Array | string
}

export type Patch =
  | { type: 'json'; body: { op: string; path: string; value?: unknown; from?: string }[] }
  | { type: 'merge'; body: object }
  | { type: 'strategic'; body: object }
  | { type: 'apply'; body: object; force?: boolean }

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  object: T
}

/** A watch under way. */
export interface WatchEvents<T> extends AsyncIterable<WatchEvent<T>> {
  /** The next event, if it is there already: for whoever has dealt with the one before and asks for no promise. */
  ready?(): WatchEvent<T> | undefined
}
