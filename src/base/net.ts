import { createSocket } from 'node:dgram'
import * as http from 'node:http'
import * as https from 'node:https'
import * as tcp from 'node:net'
import { type Duplex, pipeline, type Readable } from 'node:stream'
import { type PlainAnswer, type PlainGet, plainGet } from './plain-get.ts'
import { type ContextKeys, secureContextOf } from './secure-contexts.ts'

/** The network comes in through here: what rooms below main may open. Servers for many clients are web-server.ts's. */
export interface Net {
  /** Resolves when a TCP connection stands, which the caller then owns. */
  connect(host: string, port: number, options?: ConnectOptions): Promise<tcp.Socket>
  /** One HTTP(S) request; follows no redirect, verifies TLS unless `insecure`. */
  request(url: string, options?: HttpOptions): Promise<HttpReply>
  /** One plain GET of which only the head matters, as cheap as can be. */
  get(question: PlainGet): Promise<PlainAnswer>
  /** As `request`, but answers as soon as the head is there, and may switch protocols (`upgrade` and `connection` headers). */
  stream(url: string, options?: StreamOptions): Promise<HttpStream>
  /** A UDP socket bound to host:port (0 = any free one). */
  bindUdp(
    host: string,
    port: number,
    onMessage: (message: Buffer, from: { address: string; port: number }) => void,
  ): Promise<UdpSocket>
  /** A TCP listener on host:port (0 = any free one). */
  listenTcp(
    host: string,
    port: number,
    onConnection: (socket: tcp.Socket) => void,
    options?: HalfOpen,
  ): Promise<Listener>
}

export interface HalfOpen {
  /** Where the other side has said all it has to say, ours may go on, and ends by itself. */
  halfOpen?: boolean
}

export interface ConnectOptions extends HalfOpen {
  timeoutMs?: number
  signal?: AbortSignal
}

export interface HttpOptions {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  timeoutMs?: number
  signal?: AbortSignal
  insecure?: boolean
  ca?: string
  cert?: string
  key?: string
  /** At most so many bytes of the body are kept; 1 MiB unless said otherwise. */
  maxBytes?: number
}

export interface HttpReply {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

export interface StreamOptions extends Omit<HttpOptions, 'headers' | 'body' | 'maxBytes'> {
  /** Several values of one name are as many headers. */
  headers?: Record<string, string | string[]>
  body?: string | Uint8Array | Readable
  /** Name to expect in the server's certificate, if not the one in the Host header; '' expects the URL's host. */
  serverName?: string
  /** Where to connect to; the host in the URL is then only a name: in the Host header and in the certificate. */
  address?: { host: string; port: number }
  /**
   * Keeps the connection for later requests to the same server with the same keys; idle ones end after 30 s. Should the
   * server close it just then, `true` asks again, connections of one's own only if it is a GET.
   */
  reuse?: boolean | KeptConnections
  /** Until the connection stands, TLS included. */
  connectTimeoutMs?: number
  /** A body of which nothing more comes for so long is given up. */
  idleTimeoutMs?: number
}

const idleMs = 30_000

/** Connections that wait for the next request; https keeps apart those that differ in any key or name. */
export class KeptConnections implements Disposable {
  readonly #http: http.Agent
  readonly #https: https.Agent

  /** @param most connections to one server at a time; requests beyond wait */
  constructor(most = Number.POSITIVE_INFINITY) {
    const kept = { keepAlive: true, maxSockets: most, maxFreeSockets: 8, timeout: idleMs }
    this.#http = new http.Agent(kept)
    this.#https = new https.Agent(kept)
  }

  for(secure: boolean): http.Agent {
    return secure ? this.#https : this.#http
  }

  /** Cuts them, those in use as well. */
  [Symbol.dispose](): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}

/** Node says how long a body is only with methods that usually have one: a DELETE's would be taken for the next request. */
function sized({ headers = {}, body }: Pick<StreamOptions, 'headers' | 'body'>): Record<string, string | string[]> {
  if (body === undefined || !(typeof body === 'string' || body instanceof Uint8Array)) return headers
  return { ...headers, 'content-length': String(Buffer.byteLength(body)) }
}

let everybodys: KeptConnections | undefined

function agentFor({ reuse }: StreamOptions, secure: boolean): http.Agent | false {
  if (!reuse) return false
  if (reuse === true) everybodys ??= new KeptConnections()
  return (reuse === true ? everybodys! : reuse).for(secure)
}

/** Gives a request up whose connection does not come about. */
function boundConnecting(request: http.ClientRequest, secure: boolean, url: string, timeoutMs: number): void {
  request.once('socket', socket => {
    if (!socket.connecting) return
    const late = () => request.destroy(new Error(`no connection for ${url} within ${timeoutMs} ms`))
    const timer = setTimeout(late, timeoutMs)
    const done = () => clearTimeout(timer)
    socket.once(secure ? 'secureConnect' : 'connect', done).once('close', done)
  })
}

export interface HttpStream {
  status: number
  headers: http.IncomingHttpHeaders
  /** Destroy it when it is not wanted any more. */
  body: Readable
  /** With status 101: the bare connection, and what came of it already. */
  upgraded?: { socket: Duplex; head: Buffer }
}

export interface UdpSocket {
  port: number
  send(message: Uint8Array, to: { address: string; port: number }): void
  close(): Promise<void>
}

export interface Listener {
  port: number
  close(): Promise<void>
}

/** With the keys themselves, by which kept connections are told apart. */
function contextFor({ ca, cert, key, allowPartialTrustChain }: ContextKeys) {
  const keys = { ca, cert, key, ...(allowPartialTrustChain ? { allowPartialTrustChain } : {}) }
  return { ...keys, secureContext: secureContextOf(keys) }
}

/** What `http.request` needs to go to another address than the URL's host. */
function elsewhere(
  url: string,
  { address, headers, body }: StreamOptions,
): http.RequestOptions & { servername?: string } {
  if (!address) return {}
  const { host, hostname } = new URL(url)
  const named = !tcp.isIP(hostname.replace(/^\[|\]$/g, ''))
  return {
    hostname: address.host,
    port: address.port,
    headers: { host, ...sized({ headers, body }) },
    ...(named ? { servername: hostname } : {}),
  }
}

export const systemNet: Net = {
  get: plainGet,

  connect(host, port, options = {}) {
    return new Promise((resolve, reject) => {
      const socket = tcp.connect({ host, port, allowHalfOpen: options.halfOpen })
      const fail = (error: unknown) => {
        socket.destroy()
        reject(error)
      }
      const timer = options.timeoutMs
        ? setTimeout(
            () => fail(new Error(`no connection to ${host}:${port} within ${options.timeoutMs} ms`)),
            options.timeoutMs,
          )
        : undefined
      options.signal?.addEventListener('abort', () => fail(options.signal?.reason), { once: true })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.off('error', fail)
        resolve(socket)
      })
      socket.once('error', error => {
        clearTimeout(timer)
        fail(error)
      })
    })
  },

  request(url, options = {}) {
    return new Promise((resolve, reject) => {
      const secure = url.startsWith('https:')
      const request = (secure ? https : http).request(
        url,
        {
          method: options.method ?? 'GET',
          headers: sized(options),
          agent: false,
          ...(options.signal ? { signal: options.signal } : {}),
          ...(secure ? { rejectUnauthorized: !options.insecure, ...contextFor(options) } : {}),
        },
        reply => {
          const chunks: Buffer[] = []
          let kept = 0
          reply.on('data', (chunk: Buffer) => {
            if (kept < (options.maxBytes ?? 1 << 20)) chunks.push(chunk)
            kept += chunk.length
          })
          reply.on('end', () => {
            clearTimeout(timer)
            resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(chunks) })
          })
          reply.on('error', reject)
        },
      )
      const timer = options.timeoutMs
        ? setTimeout(
            () => request.destroy(new Error(`no answer from ${url} within ${options.timeoutMs} ms`)),
            options.timeoutMs,
          )
        : undefined
      request.on('error', error => {
        clearTimeout(timer)
        reject(error)
      })
      request.end(options.body)
    })
  },

  stream(url, options = {}) {
    return new Promise((resolve, reject) => {
      const secure = url.startsWith('https:')
      const request = (secure ? https : http).request(url, {
        method: options.method ?? 'GET',
        headers: sized(options),
        agent: agentFor(options, secure),
        ...elsewhere(url, options),
        ...(options.signal ? { signal: options.signal } : {}),
        ...(secure
          ? {
              rejectUnauthorized: !options.insecure,
              // Go trusts a certificate that is in the bundle itself, whoever signed it; operators hand out such bundles.
              ...contextFor({ ...options, ...(options.ca ? { allowPartialTrustChain: true } : {}) }),
              ...(options.serverName === undefined ? {} : { servername: options.serverName }),
            }
          : {}),
      })
      const timer = options.timeoutMs
        ? setTimeout(
            () => request.destroy(new Error(`no answer from ${url} within ${options.timeoutMs} ms`)),
            options.timeoutMs,
          )
        : undefined
      if (options.connectTimeoutMs) boundConnecting(request, secure, url, options.connectTimeoutMs)
      const streamed = options.body && typeof options.body === 'object' && 'pipe' in options.body
      request.on('response', reply => {
        clearTimeout(timer)
        const { idleTimeoutMs } = options
        if (idleTimeoutMs)
          reply.setTimeout(idleTimeoutMs, () => {
            reply.destroy(new Error(`nothing more of the answer from ${url} within ${idleTimeoutMs} ms`))
          })
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: reply })
      })
      request.on('upgrade', (reply, socket, head) => {
        clearTimeout(timer)
        socket.on('error', () => socket.destroy())
        resolve({ status: 101, headers: reply.headers, body: reply, upgraded: { socket, head } })
      })
      request.on('error', (error: Error & { code?: string }) => {
        clearTimeout(timer)
        // The server closed a kept connection just as we took it up again: it has seen nothing of this request.
        const again = options.reuse === true || request.method === 'GET'
        const stale =
          request.reusedSocket && again && !streamed && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        if (stale) resolve(systemNet.stream(url, { ...options, reuse: false }))
        else reject(error)
      })
      // A client that goes away in the middle of its body must not look like one that came to its end.
      if (streamed) pipeline(options.body as Readable, request, () => {})
      else request.end(options.body)
    })
  },

  bindUdp(host, port, onMessage) {
    return new Promise((resolve, reject) => {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      socket.once('error', reject)
      socket.on('message', (message, from) => onMessage(message, from))
      socket.bind(port, host, () => {
        socket.off('error', reject)
        socket.on('error', () => {})
        resolve({
          port: socket.address().port,
          send: (message, to) => socket.send(message, to.port, to.address),
          close: () => new Promise(done => socket.close(() => done())),
        })
      })
    })
  },

  listenTcp(host, port, onConnection, { halfOpen } = {}) {
    return new Promise((resolve, reject) => {
      const open = new Set<tcp.Socket>()
      const server = tcp.createServer({ allowHalfOpen: halfOpen }, socket => {
        open.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => open.delete(socket))
        onConnection(socket)
      })
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve({
          port: (server.address() as tcp.AddressInfo).port,
          close: () =>
            new Promise(done => {
              for (const socket of open) socket.destroy()
              server.close(() => done())
            }),
        })
      })
    })
  },
}
