import * as http from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import { serverNameOf } from './client-hello.ts'
import { type Clock, systemClock } from './clock.ts'
import { Connections } from './connections.ts'

/** HTTP/1.1 and, over TLS, HTTP/2 too, in the form that both share. */
export type WebRequest = http.IncomingMessage
export type WebResponse = http.ServerResponse
export type WebHeaders = http.IncomingHttpHeaders

/** Whether something follows the head of a request. */
export function hasBody(request: WebRequest): boolean {
  if (request.httpVersionMajor === 2) return !(request as unknown as http2.Http2ServerRequest).stream.endAfterHeaders
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

export interface WebServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** Without it plain HTTP. */
  tls?: TlsByName | OwnTls
  limits?: WebLimits
  onRequest(request: WebRequest, response: WebResponse): void
  /** The client wants another protocol on this connection. */
  onUpgrade(request: WebRequest, socket: Duplex, head: Buffer): void
  /** What came is no HTTP, too much, or too late: answers and ends the connection. A bare 400 by default. */
  onRefused?(error: Error & { code?: string }, socket: Duplex): void
  clock?: Clock
}

/** Many names behind one port. */
export interface TlsByName {
  /** PEM for the name that the client asks for; undefined: no certificate, the handshake fails. */
  certificateFor(serverName: string): { cert: string; key: string } | undefined
  /** Connections that are not ended here, by the name that the client asks for. */
  passThrough?: {
    /** Whether there may be any: others are not looked at before their handshake. */
    isWanted(): boolean
    /** @returns true if it takes the connection, of which nothing has been read */
    take(serverName: string, socket: Duplex): boolean
  }
}

/** One server, whose clients may show certificates: PEM. */
export interface OwnTls {
  cert: string
  key: string
  /** Whose certificates of clients are looked at; others count as none. Nobody is asked for one if there are none. */
  authorities: string[]
  protocol?: TlsProtocol
}

/** What clients may speak. */
export interface TlsProtocol {
  /** TLS 1.2 unless given. */
  minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  /** Suites of TLS 1.2 and before by the names of IANA or OpenSSL, colons between; those of Node unless given. */
  ciphers?: string
}

export interface WebLimits {
  headBytes: number
  /** Until a request is here, whole. */
  requestMs: number
  /** An idle connection is kept for so long. */
  keepAliveMs: number
  /** Connections that wait to be accepted. */
  backlog: number
}

export interface WebServer {
  port: number
  /** Shows this one (PEM), and believes these authorities if given, to who connects from now on; connections that stand go on. Only for servers with one of their own. */
  useCertificate(pair: { cert: string; key: string; authorities?: string[] }): void
  /** Takes no new connections, lets requests under way end for so long, then cuts. */
  close(graceMs: number): Promise<void>
}

/** A server for requests of people's programs. @throws when the address cannot be had: EADDRINUSE, EACCES */
export type ListenWeb = (options: WebServerOptions) => Promise<WebServer>

export const listenWeb: ListenWeb = options =>
  new Promise((resolve, reject) => {
    const { tls, limits, clock = systemClock } = options
    const server = tls ? secureServer(tls, limits, clock) : plainServer(clock)
    if (limits) apply(limits, server)
    const connections = new Connections(server)
    const sessions = sessionsOf(server)
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      socket.on('error', () => socket.destroy())
    })
    server.on('request', options.onRequest as (...args: any[]) => void)
    server.on('upgrade', options.onUpgrade)
    server.on('clientError', options.onRefused ?? refuse)
    server.once('error', reject)
    server.listen({ port: options.port, host: options.host, backlog: limits?.backlog }, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve({
        port: (server.address() as AddressInfo).port,
        useCertificate: ({ cert, key, authorities }) => {
          if (!tls || 'certificateFor' in tls) throw new Error('this server has no certificate of its own')
          ;(server as http2.Http2SecureServer).setSecureContext({
            ...common,
            ...tls.protocol,
            ...trusting(authorities ? { ...tls, authorities } : tls),
            ...{ cert, key },
          })
        },
        close: graceMs =>
          new Promise(done => {
            const spare = clock.schedule(graceMs, () => connections.cut())
            server.close(() => {
              spare()
              done()
            })
            if ('closeIdleConnections' in server) server.closeIdleConnections()
            for (const session of sessions) session.close()
          }),
      })
    })
  })

function refuse(_error: Error, socket: Duplex): void {
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
}

function apply({ headBytes, requestMs, keepAliveMs }: WebLimits, server: http.Server | http2.Http2SecureServer): void {
  Object.assign(server, { maxHeaderSize: headBytes, requestTimeout: requestMs, keepAliveTimeout: keepAliveMs })
  server.on('session', (session: http2.ServerHttp2Session) => session.setTimeout(keepAliveMs, () => session.close()))
}

/** The HTTP/2 connections that are open. */
function sessionsOf(server: http.Server | http2.Http2SecureServer): ReadonlySet<http2.ServerHttp2Session> {
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session: http2.ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return sessions
}

/** A TLS client must have said whom it wants after so long. */
const helloMs = 10_000

/** What a client begins with that speaks HTTP/2 without asking. @see RFC 9113, section 3.4 */
const preface = Buffer.from('PRI * HTTP/2.0\r\n')

/** A client must have begun its first request after so long: as Node has it for servers that look at nothing before. */
const firstMs = 60_000

/** Of one HTTP/2 connection so many requests are taken at a time, as by kube-apiserver: clients that have more open another. */
const mostStreams = 100

/** HTTP/1.1, and HTTP/2 for those who begin with it, as gRPC clients do without TLS. */
function plainServer(clock: Clock): http.Server {
  const server = http.createServer()
  const second = http2.createServer({ settings: { maxConcurrentStreams: mostStreams } })
  second.on('request', (request, response) => server.emit('request', request, response))
  second.on('session', session => server.emit('session', session))
  const [takeFirst] = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    let begun: Buffer = Buffer.of()
    const forget = clock.schedule(firstMs, () => socket.destroy())
    const leave = () => {
      forget()
      socket.off('readable', look).off('end', ended).off('close', forget)
    }
    const look = () => {
      for (let more = socket.read(); more; more = socket.read()) begun = Buffer.concat([begun, more])
      const speaksSecond = begun.subarray(0, preface.length).equals(preface.subarray(0, begun.length))
      // Which of the two is not known yet: `P` begins a POST as well.
      if (speaksSecond && begun.length < preface.length) return
      leave()
      socket.unshift(begun)
      if (speaksSecond) second.emit('connection', socket)
      else takeFirst!.call(server, socket)
    }
    const ended = () => socket.destroy()
    socket.on('readable', look).on('end', ended).on('close', forget)
  })
  return server
}

const common = { minVersion: 'TLSv1.2' } as const

/** Whose certificates are looked at. */
const trusting = ({ authorities }: OwnTls) => (authorities.length ? { ca: authorities } : {})

function secureServer(tls: TlsByName | OwnTls, limits: WebLimits | undefined, clock: Clock): http2.Http2SecureServer {
  const both = {
    ...common,
    allowHTTP1: true,
    settings: { maxConcurrentStreams: mostStreams, ...(limits ? { maxHeaderListSize: limits.headBytes } : {}) },
  } as const
  if (!('certificateFor' in tls)) {
    const { cert, key, authorities, protocol } = tls
    const asking = authorities.length ? { requestCert: true, rejectUnauthorized: false } : {}
    return http2.createSecureServer({ ...both, ...protocol, ...trusting(tls), cert, key, ...asking })
  }
  const { certificateFor, passThrough } = tls
  const contexts = new WeakMap<object, SecureContext>()
  const server = http2.createSecureServer({
    ...both,
    SNICallback: (name, done) => {
      const pem = certificateFor(name)
      if (!pem) return done(new Error(`no certificate for ${name}`))
      let context = contexts.get(pem)
      if (!context) contexts.set(pem, (context = createSecureContext(pem)))
      done(null, context)
    },
  })
  if (passThrough) peekFirst(server, passThrough, clock)
  return server
}

/** Looks at what clients begin with, and lets others take connections before the handshake. */
function peekFirst(
  server: http2.Http2SecureServer,
  { isWanted, take }: NonNullable<TlsByName['passThrough']>,
  clock: Clock,
): void {
  const handshakes = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const goOn = (socket: Socket) => {
    for (const handshake of handshakes) handshake.call(server, socket)
  }
  server.on('connection', (socket: Socket) => {
    if (!isWanted()) return goOn(socket)
    let hello: Buffer = Buffer.of()
    const forget = clock.schedule(helloMs, () => socket.destroy())
    const look = () => {
      for (let more = socket.read(); more; more = socket.read()) hello = Buffer.concat([hello, more])
      const name = serverNameOf(hello)
      if (name === undefined && !socket.readableEnded) return
      socket.off('readable', look)
      forget()
      if (hello.length) socket.unshift(hello)
      if (!name || !take(name, socket)) goOn(socket)
    }
    socket.on('readable', look)
    socket.once('close', forget)
  })
}
