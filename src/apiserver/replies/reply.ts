import { ApiError } from '../../models/api-error.ts'
import { encodeProtobuf, protobufType } from '../../models/protobuf/index.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { Status, StatusDetails } from '../../models/types/meta-v1.ts'
import { readsProtobuf, readsYaml } from './accept.ts'
import { yamlOf } from './yaml-form.ts'

/** Ends with a line break, as kube-apiserver writes JSON: clients compare whole texts of errors. */
export function jsonReply(status: number, value: unknown, headers: ApiReply['headers'] = {}): ApiReply {
  return bytesReply(status, Buffer.from(`${JSON.stringify(value)}\n`), headers)
}

/** `bytes` are JSON already. */
export function bytesReply(status: number, bytes: Uint8Array, headers: ApiReply['headers'] = {}): ApiReply {
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body: bytes }
}

export function typedReply(status: number, bytes: Uint8Array, type: string): ApiReply {
  return { status, headers: { 'content-type': type }, body: bytes }
}

export function textReply(status: number, text: string | Uint8Array, type = 'text/plain; charset=utf-8'): ApiReply {
  return {
    status,
    headers: { 'content-type': type, 'x-content-type-options': 'nosniff' },
    body: typeof text === 'string' ? Buffer.from(text) : text,
  }
}

/** @param accept what the client reads: a Status as protobuf or YAML for those who prefer that, else JSON */
export function errorReply(error: ApiError, accept?: string): ApiReply {
  const headers: ApiReply['headers'] = {}
  // Without a time there is no header: clients would try again by themselves what only somebody else can change, such as an eviction.
  const wait = error.details?.retryAfterSeconds
  if (wait) headers['retry-after'] = String(wait)
  const asProtobuf = readsProtobuf(accept)
  if (!asProtobuf && !readsYaml(accept)) return jsonReply(error.code, error.toStatus(), headers)
  const reply = asProtobuf
    ? typedReply(error.code, encodeProtobuf(error.toStatus()), protobufType)
    : typedReply(error.code, yamlOf(Buffer.from(JSON.stringify(error.toStatus()))), 'application/yaml')
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

/** A Status that does not say that it is one: kube-apiserver writes what it gives up so, and clients tell it in their own words. */
export function bareReply(error: ApiError): ApiReply {
  const { kind: _, apiVersion: __, ...status } = error.toStatus()
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  return { status: error.code, headers, body: Buffer.from(`${JSON.stringify(status)}\n`) }
}

export function successStatus(details?: StatusDetails): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    ...(details ? { details } : {}),
  }
}

export function noSuchPath(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource', { details: {} })
}

export function notAllowed(): ApiError {
  return new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {
    details: {},
  })
}
