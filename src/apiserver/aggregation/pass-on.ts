import { Readable } from 'node:stream'
import { ApiError } from '../../models/api-error.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { Call } from '../core.ts'
import { tunnelled, upgradeHeaders } from '../nodes/relay.ts'
import { CallFailed } from '../outgoing/call-failed.ts'
import { forwardedHeaders, returnedHeaders } from '../proxy/headers.ts'
import { waysTo } from '../proxy/own-links.ts'
import { identityHeaders } from './identity-headers.ts'
import type { RemoteCalls } from './remote-calls.ts'
import type { RemoteVersion } from './remote-versions.ts'

/** Passes a request on to the server of its version, in the name of its user; watches and other protocols too. */
export async function passOn(call: Call, remote: RemoteVersion, calls: RemoteCalls): Promise<ApiReply> {
  if (remote.unavailable !== undefined)
    throw new ApiError(
      'ServiceUnavailable',
      `the server is currently unable to handle the request (APIService ${remote.name} is not available: ${remote.unavailable})`,
      { details: { retryAfterSeconds: 1 } },
    )
  const answer = await ask(call, remote, calls)
  // Nothing is tunnelled before the server itself has switched.
  if (answer.upgraded) return tunnelled(answer)
  const { status, headers, body } = answer
  if (status >= 300 && status < 400 && headers.location) {
    body.destroy()
    throw new ApiError('', 'the backend attempted to redirect this request, which is not permitted', { code: 502 })
  }
  const { namespace, name, port } = remote.destination.service
  const ways = waysTo({ scheme: 'https', host: `${name}.${namespace}.svc`, port }, '', undefined)
  return { status, headers: returnedHeaders(headers, ways), body }
}

async function ask(call: Call, remote: RemoteVersion, calls: RemoteCalls) {
  const { method, url, body: bytes, bodyStream, signal } = call.request
  const body = bytes ?? (bodyStream && Readable.from(bodyStream, { objectMode: false }))
  try {
    return await calls.open(remote, {
      ...{ method, path: url, signal, ...(body === undefined ? {} : { body }) },
      headers: {
        ...forwardedHeaders(call.request, bytes?.length),
        ...upgradeHeaders(call),
        ...identityHeaders(call.user),
        'audit-id': call.auditId,
      },
    })
  } catch (cause) {
    if (!(cause instanceof CallFailed)) throw cause
    throw new ApiError('ServiceUnavailable', `error trying to reach service: ${cause.message}`, { cause })
  }
}
