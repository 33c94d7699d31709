import * as http from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import { serverNameOf } from './client-hello.ts'
import { Connections } from './connections.ts'

/** HTTP/1.1 and, over TLS, HTTP/2 too, in the form that both share. */
export type WebRequest = http.IncomingMessage
export type WebResponse = http.ServerResponse
export type WebHeaders = http.IncomingHttpHeaders

export interface WebServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** Without it plain HTTP. */
  tls?: {
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
  onRequest(request: WebRequest, response: WebResponse): void
  /** The client wants another protocol on this connection. */
  onUpgrade(request: WebRequest, socket: Duplex, head: Buffer): void
}

export interface WebServer {
  port: number
  /** Takes no new connections, lets requests under way end for so long, then cuts. */
  close(graceMs: number): Promise<void>
}

/** A server for requests of people's programs. @throws when the address cannot be had: EADDRINUSE, EACCES */
export type ListenWeb = (options: WebServerOptions) => Promise<WebServer>

export const listenWeb: ListenWeb = options =>
  new Promise((resolve, reject) => {
    const server = options.tls ? secureServer(options.tls) : plainServer()
    const connections = new Connections(server)
    server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      socket.on('error', () => socket.destroy())
    })
    server.on('request', options.onRequest as (...args: any[]) => void)
    server.on('upgrade', options.onUpgrade)
    server.on('clientError', (_error, socket: Duplex) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    })
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve({
        port: (server.address() as AddressInfo).port,
        close: graceMs =>
          new Promise(done => {
            const timer = setTimeout(() => connections.cut(), graceMs)
            server.close(() => {
              clearTimeout(timer)
              done()
            })
            if ('closeIdleConnections' in server) server.closeIdleConnections()
          }),
      })
    })
  })

/** A TLS client must have said whom it wants after so long. */
const helloMs = 10_000

/** What a client begins with that speaks HTTP/2 without asking. @see RFC 9113, section 3.4 */
const preface = Buffer.from('PRI * HTTP/2.0\r\n')

/** HTTP/1.1, and HTTP/2 for those who begin with it, as gRPC clients do without TLS. */
function plainServer(): http.Server {
  const server = http.createServer()
  const second = http2.createServer()
  second.on('request', (request, response) => server.emit('request', request, response))
  const [takeFirst] = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    socket.once('readable', () => {
      const start: Buffer | null = socket.read()
      if (start) socket.unshift(start)
      if (start?.subarray(0, preface.length).equals(preface.subarray(0, start.length)))
        second.emit('connection', socket)
      else takeFirst!.call(server, socket)
    })
  })
  return server
}

function secureServer({ certificateFor, passThrough }: NonNullable<WebServerOptions['tls']>): http2.Http2SecureServer {
  const contexts = new WeakMap<object, SecureContext>()
  const server = http2.createSecureServer({
    allowHTTP1: true,
    minVersion: 'TLSv1.2',
    SNICallback: (name, done) => {
      const pem = certificateFor(name)
      if (!pem) return done(new Error(`no certificate for ${name}`))
      let context = contexts.get(pem)
      if (!context) contexts.set(pem, (context = createSecureContext(pem)))
      done(null, context)
    },
  })
  if (passThrough) peekFirst(server, passThrough)
  return server
}

/** Looks at what clients begin with, and lets others take connections before the handshake. */
function peekFirst(
  server: http2.Http2SecureServer,
  { isWanted, take }: NonNullable<NonNullable<WebServerOptions['tls']>['passThrough']>,
): void {
  const handshakes = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const goOn = (socket: Socket) => {
    for (const handshake of handshakes) handshake.call(server, socket)
  }
  server.on('connection', (socket: Socket) => {
    if (!isWanted()) return goOn(socket)
    let hello: Buffer = Buffer.of()
    const timer = setTimeout(() => socket.destroy(), helloMs)
    const look = () => {
      for (let more = socket.read(); more; more = socket.read()) hello = Buffer.concat([hello, more])
      const name = serverNameOf(hello)
      if (name === undefined && !socket.readableEnded) return
      socket.off('readable', look)
      clearTimeout(timer)
      if (hello.length) socket.unshift(hello)
      if (!name || !take(name, socket)) goOn(socket)
    }
    socket.on('readable', look)
    socket.once('close', () => clearTimeout(timer))
  })
}
