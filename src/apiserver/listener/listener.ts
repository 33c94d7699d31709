import { type Duplex, Readable } from 'node:stream'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import { Connections } from '../../base/connections.ts'
import { explain } from '../../base/errors.ts'
import { maxHeadBytes } from '../../base/http-limits.ts'
import type { Logger } from '../../base/logger.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ApiHandler, ApiReply, ApiRequest } from '../../models/rest.ts'
import { maxBodyBytes } from '../bodies/limits.ts'
import { WatchStream } from '../watch-cache/watch-stream.ts'
import { type PeerAuthorities, type PeerCertificates, type PeerSocket, peerCertificates } from './peer-certificate.ts'
import { serveUpgrade, upgradeRequest } from './upgrades.ts'
import { watchSink } from './watch-sink.ts'

export interface ListenOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** PEM. Without it plain HTTP: for tests only. */
  tls?: { cert: string; key: string } & PeerAuthorities
}

export interface Listening {
  host: string
  port: number
  url: string
  close(): Promise<void>
}

/** Streams have so long to end by themselves before their connections are cut. */
const closeGraceMs = 1_000

const proxyRoutes = ['/api/v1/namespaces/:namespace/:plural/:name/proxy', '/api/v1/nodes/:name/proxy'].flatMap(url => [
  url,
  `${url}/*`,
])

/** Serves the handler over HTTP/1.1 and HTTP/2. */
export async function listen(
  handler: ApiHandler,
  { clock, log }: { clock: Clock; log: Logger },
  options: ListenOptions,
): Promise<Listening> {
  const { tls } = options
  const authorities = [tls?.clientCa, tls?.frontProxyCa].filter(ca => ca !== undefined)
  const certificatesOf = peerCertificates(tls ?? {})
  const answer = (request: FastifyRequest, reply: FastifyReply) =>
    serve(handler, request, reply, certificatesOf(request.raw.socket as unknown as PeerSocket))
  const common = {
    bodyLimit: maxBodyBytes,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: 65_000,
    keepAliveTimeout: 120_000,
    routerOptions: { ignoreTrailingSlash: false },
    // What Fastify refuses before any route: an address that cannot be decoded.
    frameworkErrors: (error: Error & { statusCode?: number }, _request: unknown, reply: FastifyReply) =>
      void sendStatus(reply, transportError(error)),
    clientErrorHandler: refuseClient,
  } as const
  const app = (tls
    ? fastify({
        ...common,
        http2: true,
        https: {
          allowHTTP1: true,
          cert: tls.cert,
          key: tls.key,
          minVersion: 'TLSv1.2',
          settings: { maxHeaderListSize: maxHeadBytes },
          ...(authorities.length ? { ca: authorities, requestCert: true, rejectUnauthorized: false } : {}),
        },
      } as any)
    : fastify(common)) as unknown as FastifyInstance
  Object.assign(app.server, { maxHeaderSize: maxHeadBytes })
  const connections = new Connections(app.server)
  // Over HTTP/2 a body may come without any header that says so; Fastify then reads none.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.httpVersionMajor === 2 && request.raw.method !== 'GET')
      request.raw.headers['content-type'] ??= 'application/json'
    done()
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, _request, reply) => {
    const status = transportError(error)
    if (status.code >= 500) log.error({ error: error.message }, 'listener failed')
    sendStatus(reply, status)
  })
  app.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/*',
    handler: answer,
  })
  // What is passed on to a pod, service or node may be of any size, and begins before it ends.
  void app.register(async child => {
    child.removeAllContentTypeParsers()
    child.addContentTypeParser('*', { bodyLimit: Number.MAX_SAFE_INTEGER }, (_request, body, done) => done(null, body))
    for (const url of proxyRoutes)
      child.route({
        method: ['POST', 'PUT', 'PATCH', 'DELETE'],
        url,
        handler: answer,
      })
  })
  app.setNotFoundHandler(answer)
  app.server.on('upgrade', (message, socket, head) => {
    const gone = new AbortController()
    socket.once('close', () => gone.abort())
    const certificates = certificatesOf(message.socket as unknown as PeerSocket)
    serveUpgrade(handler, upgradeRequest(message, certificates, gone.signal), message, socket, head).catch(error => {
      log.error({ error: explain(error) }, 'upgrade failed')
      socket.destroy()
    })
  })
  await app.listen({ host: options.host, port: options.port, backlog: 1024 })
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  return {
    host: options.host,
    port,
    url: `${tls ? 'https' : 'http'}://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    async close() {
      const spare = clock.schedule(closeGraceMs, () => connections.cut())
      await app.close()
      spare()
    },
  }
}

async function serve(
  handler: ApiHandler,
  request: FastifyRequest,
  reply: FastifyReply,
  certificates: PeerCertificates,
): Promise<FastifyReply> {
  const { raw } = reply
  let gone: AbortController | undefined
  const apiRequest: ApiRequest = {
    method: request.raw.method ?? 'GET',
    url: request.raw.url ?? '/',
    headers: request.raw.headers as ApiRequest['headers'],
    rawHeaders: request.raw.rawHeaders,
    ...certificates,
    remoteAddress: request.ip,
    // Made when somebody asks for it: most requests are answered before anybody does.
    get signal() {
      if (!gone) {
        const controller = new AbortController()
        gone = controller
        if (raw.destroyed) controller.abort()
        else raw.once('close', () => controller.abort())
      }
      return gone.signal
    },
  }
  if (Buffer.isBuffer(request.body)) apiRequest.body = request.body
  else if (request.body instanceof Readable) apiRequest.bodyStream = request.body
  const answer = await handler(apiRequest)
  return write(request, reply, answer)
}

function write(request: FastifyRequest, reply: FastifyReply, answer: ApiReply): FastifyReply {
  reply.hijack()
  const { raw } = reply
  if (raw.destroyed) return reply
  const http2 = request.raw.httpVersionMajor === 2
  if (answer.body instanceof Uint8Array) {
    raw.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
    if (request.raw.method === 'HEAD') raw.end()
    else sendBytes(raw, answer.body)
    return reply
  }
  raw.writeHead(answer.status, answer.headers)
  if (!http2) raw.flushHeaders()
  if (answer.body instanceof WatchStream) {
    answer.body.attach(watchSink(raw, http2))
    return reply
  }
  const source = Readable.from(answer.body, { objectMode: false })
  source.on('error', () => raw.destroy())
  source.pipe(raw)
  return reply
}

/** A large body goes out in parts, as fast as the client takes them: others are served between, and it is never held twice. */
const partBytes = 256 * 1024

function sendBytes(raw: FastifyReply['raw'], body: Uint8Array): void {
  let at = 0
  const next = () => {
    while (body.length - at > partBytes) {
      const part = body.subarray(at, (at += partBytes))
      if (!raw.write(part)) return void raw.once('drain', next)
    }
    raw.end(body.subarray(at))
  }
  next()
}

/** Like every reply, with a line break at its end. */
const statusText = (error: ApiError): string => `${JSON.stringify(error.toStatus())}\n`

function sendStatus(reply: FastifyReply, error: ApiError): void {
  void reply.code(error.code).header('content-type', 'application/json').send(statusText(error))
}

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

function transportError(error: Error & { statusCode?: number; code?: string }): ApiError {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`)
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new ApiError('BadRequest', error.message, { code: error.statusCode })
  return new ApiError('InternalError', `Internal error occurred: ${error.message}`)
}
