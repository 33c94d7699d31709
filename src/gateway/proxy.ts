import type { Duplex } from 'node:stream'
import type { Agent, Dispatcher } from 'undici'
import type { Clock } from '../base/clock.ts'
import { codeOf, explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { WebRequest, WebResponse } from '../base/web-server.ts'
import { Balancer } from './balancer.ts'
import { endToEnd, forwardedHeaders, type Headers } from './headers.ts'
import { type Backend, type Endpoint, emptyTable, type RoutingTable, routeOf } from './routing-table.ts'

export interface ProxyOptions {
  clock: Clock
  net: Net
  log: Logger
  /** Where https is spoken, for redirects; undefined: nowhere. */
  securePort: () => number | undefined
}

/** Until an answer's head is there. */
const answerMs = 60_000
const connectMs = 3_000
/** Endpoints that a request is tried on. */
const mostTries = 3
/** The connection could not be made: the backend has seen nothing. */
const unreached = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'])
/** A connection ended before there was an answer: the backend may have seen the request. */
const cut = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

interface Asked {
  request: WebRequest
  host: string
  /** Path and query. */
  url: string
  secure: boolean
}

/** Takes requests to the backends that the routing table names. */
export class GatewayProxy implements AsyncDisposable {
  table: RoutingTable = emptyTable
  readonly #options: ProxyOptions
  readonly #balancer: Balancer
  #agent: Promise<Agent> | undefined

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#balancer = new Balancer(options.clock)
  }

  async serve(request: WebRequest, response: WebResponse, secure: boolean): Promise<void> {
    const asked = askedOf(request, secure)
    if (!asked) return answer(response, 400, 'the request names no host')
    const backend = this.#backendOf(asked, response)
    if (backend) await this.#pass(asked, backend, response)
  }

  async upgrade(request: WebRequest, socket: Duplex, head: Buffer, secure: boolean): Promise<void> {
    socket.on('error', () => socket.destroy())
    const asked = askedOf(request, secure)
    const route = asked && routeOf(this.table, nameOf(asked.host), pathOf(asked.url))
    const backend = route?.backend ?? this.table.fallback
    const endpoint = backend && this.#balancer.choose(backend, noEndpoints)
    if (!asked || !endpoint) return refuse(socket, asked && backend ? '503 Service Unavailable' : '404 Not Found')
    const done = this.#balancer.begin(endpoint)
    socket.once('close', done)
    try {
      const headers = { ...this.#headers(asked), connection: 'Upgrade', upgrade: String(request.headers.upgrade) }
      const url = `http://${hostPort(endpoint)}${asked.url}`
      const reply = await this.#options.net.stream(url, {
        method: request.method ?? 'GET',
        headers: headers as any,
        timeoutMs: answerMs,
      })
      if (!reply.upgraded) {
        reply.body.destroy()
        return refuse(socket, `${reply.status} Refused`)
      }
      const lines = Object.entries(reply.headers).flatMap(([name, value]) =>
        [value ?? []].flat().map(text => `${name}: ${text}\r\n`),
      )
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
      join(socket, head, reply.upgraded.socket, reply.upgraded.head)
    } catch (error) {
      this.#options.log.warn(
        { host: asked.host, endpoint: hostPort(endpoint), error: explain(error) },
        'upgrade failed',
      )
      refuse(socket, '502 Bad Gateway')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#agent)?.destroy()
  }

  /** The backend, unless the request was answered here. */
  #backendOf({ host, url, secure }: Asked, response: WebResponse): Backend | undefined {
    const route = routeOf(this.table, nameOf(host), pathOf(url))
    const securePort = this.#options.securePort()
    if (route?.redirectToTls && !secure && securePort !== undefined) {
      const port = securePort === 443 ? '' : `:${securePort}`
      response.writeHead(308, { location: `https://${nameOf(host)}${port}${url}`, 'content-length': '0' }).end()
      return undefined
    }
    const backend = route?.backend ?? this.table.fallback
    if (!backend) answer(response, 404, `no route for ${nameOf(host)}${pathOf(url)}`)
    return backend
  }

  async #pass(asked: Asked, backend: Backend, response: WebResponse): Promise<void> {
    const tried = new Set<Endpoint>()
    for (;;) {
      const endpoint = this.#balancer.choose(backend, tried)
      if (!endpoint) return answer(response, tried.size ? 502 : 503, 'nobody is there to answer; try again soon')
      tried.add(endpoint)
      const done = this.#balancer.begin(endpoint)
      try {
        return await this.#ask(asked, endpoint, response)
      } catch (error) {
        if (!this.#again(asked, endpoint, error, response, tried.size)) return
      } finally {
        done()
      }
    }
  }

  async #ask(asked: Asked, endpoint: Endpoint, response: WebResponse): Promise<void> {
    this.#agent ??= openAgent()
    const { method = 'GET' } = asked.request
    await (await this.#agent).stream(
      {
        origin: `http://${hostPort(endpoint)}`,
        path: asked.url,
        method: method as Dispatcher.HttpMethod,
        headers: this.#headers(asked),
        body: hasBody(asked.request) ? (lazily(asked.request) as any) : null,
      },
      ({ statusCode, headers }) => response.writeHead(statusCode, endToEnd(headers)),
    )
  }

  /** What becomes of a request that failed. @returns true if it may be tried elsewhere */
  #again({ request, host }: Asked, endpoint: Endpoint, error: unknown, response: WebResponse, tries: number): boolean {
    // The client went away, or the answer broke off in the middle: nothing can be said any more.
    if (response.headersSent || response.destroyed) {
      response.destroy()
      return false
    }
    const code = codeOf(error) ?? ''
    const seen = !unreached.has(code)
    if (!seen) this.#balancer.failed(endpoint)
    if (tries < mostTries && (!seen || (cut.has(code) && !hasBody(request) && repeatable.has(request.method!))))
      return true
    this.#options.log.warn({ host, endpoint: hostPort(endpoint), error: explain(error) }, 'no answer from a backend')
    if (code === 'UND_ERR_HEADERS_TIMEOUT') answer(response, 504, `no answer within ${answerMs / 1000} s`)
    else answer(response, 502, 'the backend could not be reached, or broke off')
    return false
  }

  #headers({ request, host, secure }: Asked): Headers {
    return forwardedHeaders(request.headers, { host, secure, clientIp: clientIp(request) })
  }
}

const noEndpoints: ReadonlySet<Endpoint> = new Set()

/** Loaded with the first request: a cluster without traffic from outside does without. */
async function openAgent(): Promise<Agent> {
  const { Agent } = (await import('undici')).default
  return new Agent({
    connections: 256,
    pipelining: 1,
    // Below the 5 s of Node's own servers: a connection is not taken up as the backend lets it go.
    keepAliveTimeout: 4_000,
    headersTimeout: answerMs,
    bodyTimeout: 0,
    connect: { timeout: connectMs },
  })
}

function askedOf(request: WebRequest, secure: boolean): Asked | undefined {
  const host = (request.headers as Record<string, string | undefined>)[':authority'] ?? request.headers.host
  const { url = '/' } = request
  if (!host || !url.startsWith('/')) return undefined
  return { request, host, url, secure }
}

/** Read when somebody wants it: a connection that fails leaves the body for the next try. */
async function* lazily(request: WebRequest): AsyncGenerator<Buffer> {
  yield* request
}

const hasBody = ({ headers }: WebRequest): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** Without the port. */
const nameOf = (host: string) => host.replace(/:\d+$/, '')
const pathOf = (url: string) => url.split('?', 1)[0]!
const hostPort = ({ ip, port }: Endpoint) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)
const clientIp = (request: WebRequest) => (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')

function answer(response: WebResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function join(a: Duplex, aHead: Buffer, b: Duplex, bHead: Buffer): void {
  if (bHead.length) a.write(bHead)
  if (aHead.length) b.write(aHead)
  a.pipe(b).pipe(a)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}
