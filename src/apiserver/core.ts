import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Store } from '../db/store.ts'
import type { AnyObject } from '../models/object.ts'
import type { ApiReply, ApiRequest, UserInfo } from '../models/rest.ts'
import type { AdmissionChain } from './admission/chain.ts'
import type { RemoteVersions } from './aggregation/remote-versions.ts'
import type { AuthorizerChain } from './authz/authorizer.ts'
import type { ReadMetrics } from './metrics/read-metrics.ts'
import type { OutgoingCalls } from './outgoing/outgoing-calls.ts'
import type { RequestInfo, ResourcePath } from './request-info.ts'
import type { Resource, ResourceTable } from './resources.ts'
import type { ObjectStore } from './storage/object-store.ts'
import type { Views } from './subresources/view.ts'
import type { FreshReads } from './watch-cache/fresh-reads.ts'
import type { KeptObject } from './watch-cache/kept-object.ts'
import type { WatchCache } from './watch-cache/watch-cache.ts'

/** What every verb may use. */
export interface Core {
  clock: Clock
  random: Random
  log: Logger
  store: Store
  resources: ResourceTable
  cache: WatchCache
  objects: ObjectStore
  /** Where other servers write to the same store: brings the cache up to now. */
  fresh: FreshReads | undefined
  admission: AdmissionChain
  /** For what a request needs beyond the right to make it. */
  authorizer: AuthorizerChain
  /** Counts what is listed and watched. */
  reads: ReadMetrics
  /** How webhooks and extension servers are called. */
  outgoing: OutgoingCalls
  /** What other servers serve beside us. */
  remotes: RemoteVersions
  /** Sub-paths that need more than the store: logs, tokens, streams. By name, then verb. */
  moreSubresources: Map<string, Record<string, CallHandler>>
  /** What is worked out about stored objects, by path. */
  views: Views
  /** Resources that are computed, not stored: reviews, usage. By group and plural: `authorization.k8s.io/subjectaccessreviews`. */
  computed: Map<string, ComputedVerbs>
  /** How long a watch lasts at least whose client does not say; at most twice as long. */
  minWatchMs: number
  /** Aborts when the server closes: watches end. */
  closing: AbortSignal
  /** Says something in the audit event of the request that is worked on, if there is one; what was said first of a key stays. With a level, where so much is recorded. */
  annotate(key: string, value: string, level?: 'Request'): void
  /** When the request that is worked on must have its answer, by the monotonic clock; undefined: nobody waits. */
  deadlineMs?: number
  /** The parsed form of a kept object, shared: not to be changed. */
  shared(object: KeptObject): AnyObject
}

/** One authenticated, authorised request. */
export interface Call {
  core: Core
  request: ApiRequest
  info: RequestInfo
  user: UserInfo
  /** What this request is called in its reply and in the history of what it changes. */
  auditId: string
  /** Texts for Warning headers. */
  warnings: string[]
}

/** A request for a resource that exists. */
export interface ResourceCall extends Call {
  path: ResourcePath
  resource: Resource
}

/** All that a computed resource can do. */
export type ComputedVerbs = Partial<Record<'create' | 'get' | 'list', CallHandler>>

export type CallHandler = (call: ResourceCall) => Promise<ApiReply>
