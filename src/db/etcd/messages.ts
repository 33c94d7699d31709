import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import definition from './etcd-v3.data.json' with { type: 'json' }

/*
 * The messages of etcd's v3 API that we use, as the gRPC library hands them over: 64-bit integers as decimal text.
 * https://etcd.io/docs/v3.5/dev-guide/api_reference_v3/
 */

export interface Header {
  revision: string
}

export interface KeyValue {
  key: Buffer
  create_revision: string
  mod_revision: string
  value: Buffer
}

export interface RangeRequest {
  key: Uint8Array
  range_end?: Uint8Array
  limit?: number
  revision?: string
  keys_only?: boolean
  count_only?: boolean
}

export interface RangeResponse {
  header: Header
  kvs: KeyValue[]
  more: boolean
  /** All in the range, whatever the limit. */
  count: string
}

/** Numbers, since an unknown name would silently become the first of the enum. */
export const equal = 0
export const compareTarget = { create: 1, mod: 2 } as const
export const eventType = { put: 0, delete: 1 } as const

export interface Compare {
  result: typeof equal
  target: (typeof compareTarget)[keyof typeof compareTarget]
  key: Uint8Array
  mod_revision?: string
  create_revision?: string
}

export interface RequestOp {
  request_put?: { key: Uint8Array; value: Uint8Array }
  request_delete_range?: { key: Uint8Array }
  request_range?: RangeRequest
}

export interface TxnRequest {
  compare: Compare[]
  success: RequestOp[]
  failure: RequestOp[]
}

export interface TxnResponse {
  header: Header
  succeeded: boolean
  responses: { response_range?: RangeResponse }[]
}

export interface WatchCreate {
  key: Uint8Array
  range_end: Uint8Array
  start_revision: string
}

export interface WatchEvent {
  type: (typeof eventType)[keyof typeof eventType]
  kv: KeyValue
}

export interface WatchResponse {
  header: Header
  created: boolean
  canceled: boolean
  compact_revision: string
  cancel_reason: string
  events: WatchEvent[]
}

interface Services {
  KV: ServiceClientConstructor
  Watch: ServiceClientConstructor
  Auth: ServiceClientConstructor
  Maintenance: ServiceClientConstructor
}

/** Constructors of the gRPC clients, made from the message descriptions beside this file. */
export const services = (
  loadPackageDefinition(
    fromJSON(definition as Parameters<typeof fromJSON>[0], {
      keepCase: true,
      longs: String,
      defaults: true,
      oneofs: true,
    }),
  ) as unknown as { etcdserverpb: Services }
).etcdserverpb
