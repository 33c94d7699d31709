import { text } from 'node:stream/consumers'
import type { WebSocket } from 'ws'
import { ApiError } from '../models/api-error.ts'
import type { HttpTransportOptions } from './http-transport.ts'
import { ServerUnreachable } from './transport.ts'

/**
 * Opens a WebSocket to the API server: exec, attach and port-forward speak over one.
 * @param path path and query: `/api/v1/namespaces/default/pods/web/exec?command=date&stdout=true`
 * @param protocols sub-protocols, the best first
 * @throws ApiError when the server refuses, in its own words; ServerUnreachable when it does not answer
 */
export async function openWebSocket(
  options: HttpTransportOptions,
  path: string,
  protocols: readonly string[],
): Promise<WebSocket> {
  const WebSocket = (await import('ws')).default
  const { ca, cert, key, serverName, insecure, userAgent = 'optiflow' } = options
  const token = typeof options.token === 'function' ? await options.token() : options.token
  const socket = new WebSocket(`${options.server.replace(/^http/, 'ws').replace(/\/+$/, '')}${path}`, [...protocols], {
    headers: { 'user-agent': userAgent, ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(serverName ? { servername: serverName } : {}),
    rejectUnauthorized: !insecure,
    handshakeTimeout: options.connectTimeoutMs ?? 10_000,
    perMessageDeflate: false,
  })
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket))
    socket.once('unexpected-response', (_request, reply) => {
      text(reply).then(said => reject(ApiError.fromReply(reply.statusCode ?? 0, said)), reject)
    })
    socket.once('error', cause => reject(new ServerUnreachable(options.server, { cause })))
  })
}
