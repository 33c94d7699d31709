import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { farewell } from '../../base/farewell.ts'
import type { ApiHandler, ApiReply, ApiRequest } from '../../models/rest.ts'
import { isTunnel } from '../nodes/tunnel.ts'
import { passFrames } from './frame-cutter.ts'
import type { PeerCertificates } from './peer-certificate.ts'
import { replyOverWebSocket, type UpgradeMessage, wantsWebSocket } from './web-socket-replies.ts'

/**
 * A request to switch protocols. It goes through the handler like any other; only if that comes back with a backend
 * that has switched, the connection is handed over. Watches and logs are given over WebSocket by ourselves. Everything
 * else is answered as HTTP, and the connection closed.
 */
export async function serveUpgrade(
  handler: ApiHandler,
  request: ApiRequest,
  message: UpgradeMessage,
  socket: Duplex,
  head: Buffer,
  clock: Clock,
): Promise<void> {
  socket.on('error', () => socket.destroy())
  const reply = await handler(request)
  if (!isTunnel(reply)) {
    const { status, body, headers } = reply
    if (status === 200 && !(body instanceof Uint8Array) && wantsWebSocket(message.headers))
      return replyOverWebSocket(message, socket, head, body, String(headers['content-type']))
    return answer(socket, reply, clock)
  }
  const { backend, head: early } = reply.tunnel
  if (socket.destroyed) {
    backend.destroy()
    return
  }
  socket.write(headText(101, reply.headers))
  if (head.length) backend.write(head)
  socket.pipe(backend)
  if (wantsWebSocket(message.headers)) void passFrames(backend, early, socket)
  else {
    if (early.length) socket.write(early)
    backend.pipe(socket)
  }
  backend.on('error', () => socket.destroy())
  socket.on('close', () => backend.destroy())
  backend.on('close', () => farewell(socket, undefined, clock))
}

async function answer(socket: Duplex, reply: ApiReply, clock: Clock): Promise<void> {
  const headers = { ...reply.headers, connection: 'close' } as ApiReply['headers']
  if (reply.body instanceof Uint8Array) headers['content-length'] = String(reply.body.length)
  socket.write(headText(reply.status, headers))
  if (reply.body instanceof Uint8Array) socket.write(reply.body)
  else
    for await (const chunk of reply.body) {
      if (socket.destroyed) return
      if (!socket.write(chunk)) await drainedOrClosed(socket)
    }
  farewell(socket, undefined, clock)
}

function drainedOrClosed(socket: Duplex): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}

function headText(status: number, headers: ApiReply['headers']): string {
  let text = `HTTP/1.1 ${status} ${status === 101 ? 'Switching Protocols' : 'Answer'}\r\n`
  for (const [name, value] of Object.entries(headers))
    for (const one of [value].flat()) text += `${name}: ${String(one).replace(/[\r\n]/g, ' ')}\r\n`
  return `${text}\r\n`
}

/** What an HTTP/1.1 request to switch looks like before anybody wraps it. */
export interface RawRequest {
  method?: string | undefined
  url?: string | undefined
  headers: object
  rawHeaders?: readonly string[]
  socket: { remoteAddress?: string | undefined }
}

const bearerProtocol = 'base64url.bearer.authorization.k8s.io.'

/**
 * Browsers cannot set headers of a WebSocket: their token comes as a sub-protocol, beside the one that is meant; alone it
 * counts for nothing. It is taken out, so that nobody behind sees it. Changes `headers`.
 */
function withBearer(headers: ApiRequest['headers']): ApiRequest['headers'] {
  const offered = headers['sec-websocket-protocol']?.split(',').map(p => p.trim()) ?? []
  const token = offered.find(p => p.startsWith(bearerProtocol))
  const others = offered.filter(p => !p.startsWith(bearerProtocol))
  if (token === undefined) return headers
  if (!others.length) {
    delete headers['sec-websocket-protocol']
    return headers
  }
  headers['sec-websocket-protocol'] = others.join(', ')
  headers['authorization'] ??= `Bearer ${Buffer.from(token.slice(bearerProtocol.length), 'base64url')}`
  return headers
}

/** What the handler needs of a raw request. */
export function upgradeRequest(message: RawRequest, certificates: PeerCertificates, signal: AbortSignal): ApiRequest {
  return {
    method: message.method ?? 'GET',
    url: message.url ?? '/',
    headers: withBearer(message.headers as ApiRequest['headers']),
    ...(message.rawHeaders ? { rawHeaders: message.rawHeaders } : {}),
    ...certificates,
    ...(message.socket.remoteAddress ? { remoteAddress: message.socket.remoteAddress } : {}),
    signal,
  }
}
