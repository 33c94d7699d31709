import { type Duplex, Readable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { maxHeadBytes } from '../../base/http-limits.ts'
import { bracketed } from '../../base/ip.ts'
import type { Logger } from '../../base/logger.ts'
import { listenWeb, type TlsProtocol, type WebRequest, type WebResponse } from '../../base/web-server.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ApiHandler, ApiReply, ApiRequest } from '../../models/rest.ts'
import { maxBodyBytes } from '../bodies/limits.ts'
import { WatchStream } from '../watch-cache/watch-stream.ts'
import { type PeerAuthorities, type PeerCertificates, type PeerSocket, peerCertificates } from './peer-certificate.ts'
import { bodyOf } from './request-body.ts'
import { serveUpgrade, upgradeRequest } from './upgrades.ts'
import { watchSink } from './watch-sink.ts'

export interface ListenOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** PEM. Without it plain HTTP: for tests only. */
  tls?: { cert: string; key: string; protocol?: TlsProtocol } & PeerAuthorities
  /** Every answer has these. */
  headers?: Record<string, string>
  /** What stands between these clients and the API. */
  around?: (handler: ApiHandler) => ApiHandler
}

export interface Listening {
  host: string
  port: number
  url: string
  /** Shows this certificate (PEM) to who connects from now on, and believes these authorities if given. @throws without TLS */
  useCertificate(pair: { cert: string; key: string } & PeerAuthorities): void
  close(): Promise<void>
}

/** Streams have so long to end by themselves before their connections are cut. */
const closeGraceMs = 1_000

const limits = { headBytes: maxHeadBytes, requestMs: 65_000, keepAliveMs: 120_000, backlog: 1024 }

/** Serves the handler over HTTP/1.1 and HTTP/2. */
export async function listen(
  api: ApiHandler,
  { clock, log }: { clock: Clock; log: Logger },
  options: ListenOptions,
): Promise<Listening> {
  const { host, tls, headers = {} } = options
  const handler = options.around?.(api) ?? api
  const always = Object.entries(headers)
  let believed: PeerAuthorities = tls ?? {}
  let certificatesOf = peerCertificates(believed)
  const certificates = (message: WebRequest) => certificatesOf(message.socket as unknown as PeerSocket)
  const server = await listenWeb({
    ...{ host, port: options.port, limits, clock, onRefused: refuseClient },
    ...(tls
      ? { tls: { cert: tls.cert, key: tls.key, authorities: bundlesOf(tls), protocol: tls.protocol ?? {} } }
      : {}),
    onRequest(message, response) {
      for (const [name, value] of always) response.setHeader(name, value)
      serve(handler, message, response, certificates(message)).catch(error => {
        // Who went away while he was still sending is no fault of anybody here.
        if (!message.destroyed) log.error({ error: explain(error) }, 'listener failed')
        response.destroy()
      })
    },
    onUpgrade(message, socket, head) {
      const gone = new AbortController()
      socket.once('close', () => gone.abort())
      const request = upgradeRequest(message, certificates(message), gone.signal)
      serveUpgrade(handler, request, message, socket, head, clock).catch(error => {
        log.error({ error: explain(error) }, 'upgrade failed')
        socket.destroy()
      })
    },
  })
  return {
    host,
    port: server.port,
    url: `${tls ? 'https' : 'http'}://${bracketed(host)}:${server.port}`,
    useCertificate({ cert, key, ...given }) {
      const next = { ...believed, ...given }
      server.useCertificate({ cert, key, authorities: bundlesOf(next) })
      believed = next
      certificatesOf = peerCertificates(next)
    },
    close: () => server.close(closeGraceMs),
  }
}

const bundlesOf = ({ clientCa, frontProxyCa }: PeerAuthorities) =>
  [clientCa, frontProxyCa].filter(ca => ca !== undefined)

async function serve(
  handler: ApiHandler,
  message: WebRequest,
  response: WebResponse,
  certificates: PeerCertificates,
): Promise<void> {
  let gone: AbortController | undefined
  const request: ApiRequest = {
    method: message.method ?? 'GET',
    url: message.url ?? '/',
    headers: message.headers as ApiRequest['headers'],
    rawHeaders: message.rawHeaders,
    ...certificates,
    remoteAddress: message.socket.remoteAddress ?? '',
    ...bodyOf(message, maxBodyBytes),
    // Made when somebody asks for it: most requests are answered before anybody does.
    get signal() {
      if (!gone) {
        const controller = new AbortController()
        gone = controller
        if (response.destroyed) controller.abort()
        else response.once('close', () => controller.abort())
      }
      return gone.signal
    },
  }
  const answer = await handler(request)
  // The client would go on to send what nobody reads: the connection ends with the answer.
  if (answer.status === 413 && message.httpVersionMajor === 1) answer.headers['connection'] = 'close'
  write(message, response, answer)
}

function write(message: WebRequest, response: WebResponse, answer: ApiReply): void {
  if (response.destroyed) return
  const http2 = message.httpVersionMajor === 2
  if (answer.body instanceof Uint8Array) {
    response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
    if (message.method === 'HEAD') response.end()
    else sendBytes(response, answer.body)
    return
  }
  response.writeHead(answer.status, answer.headers)
  if (!http2) response.flushHeaders()
  if (answer.body instanceof WatchStream) {
    answer.body.attach(watchSink(response, http2))
    return
  }
  const source = Readable.from(answer.body, { objectMode: false })
  source.on('error', () => response.destroy())
  source.pipe(response)
}

/** A large body goes out in parts, as fast as the client takes them: others are served between, and it is never held twice. */
const partBytes = 256 * 1024

function sendBytes(response: WebResponse, body: Uint8Array): void {
  let at = 0
  const next = () => {
    while (body.length - at > partBytes) {
      const part = body.subarray(at, (at += partBytes))
      if (!response.write(part)) return void response.once('drain', next)
    }
    response.end(at === 0 ? body : body.subarray(at))
  }
  next()
}

/** Like every reply, with a line break at its end. */
const statusText = (error: ApiError): string => `${JSON.stringify(error.toStatus())}\n`

/** Answers what is not HTTP at all, such as an unknown method or a head without end, and closes. */
function refuseClient(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new ApiError('Timeout', 'the request did not arrive in time', { code: 408 })
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? new ApiError('BadRequest', 'the head of the request is larger than this server reads', { code: 431 })
        : new ApiError('BadRequest', `the request is not HTTP that this server understands: ${error.message}`)
  const body = Buffer.from(statusText(status))
  if (!socket.writable) {
    socket.destroy(error)
    return
  }
  const head = [
    `HTTP/1.1 ${status.code} ${status.reason}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'connection: close',
  ]
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]), () => socket.destroy())
}
