import { ApiError } from '../models/api-error.ts'
import type { Client } from './client.ts'

/** A call that the typed client has no method for. @throws ApiError */
export async function callJson(
  client: Client,
  method: string,
  url: string,
  body?: object,
  signal?: AbortSignal,
): Promise<unknown> {
  const reply = await client.raw(method, url, {
    headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
    ...(signal ? { signal } : {}),
  })
  const parts: Uint8Array[] = []
  if (reply.body instanceof Uint8Array) parts.push(reply.body)
  else for await (const part of reply.body) parts.push(part)
  const text = Buffer.concat(parts).toString()
  if (reply.status < 400) return JSON.parse(text)
  throw ApiError.fromReply(reply.status, text)
}
