import type { ApiError } from '../../models/api-error.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { Status, StatusDetails } from '../../models/types/meta-v1.ts'

export function jsonReply(status: number, value: unknown, headers: ApiReply['headers'] = {}): ApiReply {
  return bytesReply(status, Buffer.from(JSON.stringify(value)), headers)
}

/** `bytes` are JSON already. */
export function bytesReply(status: number, bytes: Uint8Array, headers: ApiReply['headers'] = {}): ApiReply {
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body: bytes }
}

export function textReply(status: number, text: string, type = 'text/plain; charset=utf-8'): ApiReply {
  return {
    status,
    headers: { 'content-type': type, 'x-content-type-options': 'nosniff' },
    body: Buffer.from(text),
  }
}

export function errorReply(error: ApiError): ApiReply {
  const headers: ApiReply['headers'] = {}
  const wait = error.details?.retryAfterSeconds ?? (error.code === 429 ? 1 : undefined)
  if (wait) headers['retry-after'] = String(wait)
  return jsonReply(error.code, error.toStatus(), headers)
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
