import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { codeOf, explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { WebRequest, WebResponse } from '../base/web-server.ts'
import { BackendClient, type BackendQuestion, hostPort } from './backend-client.ts'
import { Balancer } from './balancer.ts'
import { forwardedHeaders, type Headers } from './headers.ts'
import { Mirroring } from './mirroring.ts'
import { changeHeaders, nameOf, redirectLocation, rewritten } from './rewriting.ts'
import {
  type Endpoint,
  emptyTable,
  type RouteAction,
  type RoutingTable,
  routeOf,
  type WeightedBackend,
} from './routing-table.ts'
import { Weights } from './weights.ts'

export interface ProxyOptions {
  clock: Clock
  net: Net
  log: Logger
  /** Where https is spoken, for redirects; undefined: nowhere. */
  securePort: () => number | undefined
}

/** Where a request came in: the port as listeners name it, and as it really is. */
export interface Entrance {
  port: number
  realPort: number
  secure: boolean
}

/** Until an answer's head is there, unless a route says otherwise. */
const answerMs = 60_000
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
  at: Entrance
}

/** A route's part in one request. */
interface Chosen extends WeightedBackend {
  action: RouteAction
}

/** Takes requests to the backends that the routing table names. */
export class GatewayProxy implements AsyncDisposable {
  table: RoutingTable = emptyTable
  readonly #options: ProxyOptions
  readonly #balancer: Balancer
  readonly #weights = new Weights()
  readonly #client = new BackendClient()
  readonly #mirroring: Mirroring

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#balancer = new Balancer(options.clock)
    this.#mirroring = new Mirroring(this.#client, this.#balancer, options.log)
  }

  async serve(request: WebRequest, response: WebResponse, at: Entrance): Promise<void> {
    const asked = askedOf(request, at)
    if (!asked) return answer(response, 400, 'the request names no host')
    const action = this.#actionOf(asked)
    if (!action) return answer(response, 404, `no route for ${nameOf(asked.host)}${pathOf(asked.url)}`)
    const location = this.#redirect(asked, action)
    if (location) return redirectTo(response, location.status, location.url)
    const chosen = this.#weights.next(action)
    if (!chosen) return answer(response, 500, 'the route names no backend')
    if (chosen.backend.wrong) return answer(response, 500, 'the route names a backend that is not there')
    await this.#pass(asked, { ...chosen, action }, response)
  }

  async upgrade(request: WebRequest, socket: Duplex, head: Buffer, at: Entrance): Promise<void> {
    socket.on('error', () => socket.destroy())
    const asked = askedOf(request, at)
    const action = asked && this.#actionOf(asked)
    if (!asked || !action) return refuse(socket, '404 Not Found')
    const chosen = this.#weights.next(action)
    const endpoint = chosen && this.#balancer.choose(chosen.backend, noEndpoints)
    if (!endpoint) return refuse(socket, '503 Service Unavailable')
    const done = this.#balancer.begin(endpoint)
    socket.once('close', done)
    try {
      const { url, headers: forwarded } = this.#outgoing(asked, { ...chosen, action })
      const headers = { ...forwarded, connection: 'Upgrade', upgrade: String(request.headers.upgrade) }
      const reply = await this.#options.net.stream(`http://${hostPort(endpoint)}${url}`, {
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
    await this.#client[Symbol.asyncDispose]()
  }

  /** What is to become of the request; undefined: nobody said. */
  #actionOf({ request, host, url, at }: Asked): RouteAction | undefined {
    const routes = this.table.ports.get(at.port)
    const route = routeOf(routes, {
      host: nameOf(host),
      path: pathOf(url),
      method: request.method ?? 'GET',
      headers: request.headers,
      query: url.includes('?') ? new URLSearchParams(url.slice(url.indexOf('?') + 1)) : noQuery,
    })
    if (route) return route.action
    return routes?.fallback && { backends: [{ weight: 1, backend: routes.fallback }] }
  }

  #redirect({ host, url, at }: Asked, action: RouteAction): { status: number; url: string } | undefined {
    const { redirect, redirectToTls } = action
    if (redirect)
      return {
        status: redirect.status,
        url: redirectLocation({ host, url }, redirect, { secure: at.secure, port: at.realPort }),
      }
    const securePort = this.#options.securePort()
    if (!redirectToTls || at.secure || securePort === undefined) return undefined
    const port = securePort === 443 ? '' : `:${securePort}`
    return { status: 308, url: `https://${nameOf(host)}${port}${url}` }
  }

  async #pass(asked: Asked, chosen: Chosen, response: WebResponse): Promise<void> {
    const { backend, action } = chosen
    const over = new AbortController()
    const cancel = action.requestMs && this.#options.clock.schedule(action.requestMs, () => over.abort(tooLong))
    const question = this.#question(asked, chosen, over.signal)
    const tried = new Set<Endpoint>()
    try {
      for (;;) {
        const endpoint = this.#balancer.choose(backend, tried)
        if (!endpoint) return answer(response, tried.size ? 502 : 503, 'nobody is there to answer; try again soon')
        tried.add(endpoint)
        const done = this.#balancer.begin(endpoint)
        try {
          return await this.#ask(endpoint, chosen, question, response)
        } catch (error) {
          if (!this.#again(asked, endpoint, error, response, tried.size)) return
        } finally {
          done()
        }
      }
    } finally {
      if (cancel) cancel()
    }
  }

  #question(asked: Asked, chosen: Chosen, signal: AbortSignal): BackendQuestion {
    const { request } = asked
    const { mirrors, backendMs } = chosen.action
    const question: BackendQuestion = {
      method: request.method ?? 'GET',
      ...this.#outgoing(asked, chosen),
      body: hasBody(request) ? () => lazily(request) : undefined,
      signal,
      headMs: backendMs ?? answerMs,
    }
    return mirrors ? this.#mirroring.copied(question, mirrors) : question
  }

  async #ask(endpoint: Endpoint, chosen: Chosen, question: BackendQuestion, response: WebResponse): Promise<void> {
    await this.#client.ask(endpoint, chosen.backend, question, (status, headers) => {
      changeHeaders(headers, chosen.responseHeaders, chosen.action.responseHeaders)
      return response.writeHead(status, headers)
    })
  }

  /** The request as the backend is to see it. */
  #outgoing({ request, host, url, at }: Asked, { action, requestHeaders }: Chosen): { url: string; headers: Headers } {
    const target = action.rewrite ? rewritten({ host, url }, action.rewrite) : { host, url }
    const headers = forwardedHeaders(request.headers, { host, secure: at.secure, clientIp: clientIp(request) })
    headers['host'] = target.host
    changeHeaders(headers, action.requestHeaders, requestHeaders)
    return { url: target.url, headers }
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
    if (code === 'UND_ERR_HEADERS_TIMEOUT' || error === tooLong) answer(response, 504, 'no answer in time')
    else answer(response, 502, 'the backend could not be reached, or broke off')
    return false
  }
}

const tooLong = new Error('the request took longer than its route allows')
const noEndpoints: ReadonlySet<Endpoint> = new Set()
const noQuery = new URLSearchParams()

function askedOf(request: WebRequest, at: Entrance): Asked | undefined {
  const host = (request.headers as Record<string, string | undefined>)[':authority'] ?? request.headers.host
  const { url = '/' } = request
  if (!host || !url.startsWith('/')) return undefined
  return { request, host, url, at }
}

/** Read when somebody wants it: a connection that fails leaves the body for the next try. */
async function* lazily(request: WebRequest): AsyncGenerator<Buffer> {
  yield* request
}

/** Over HTTP/2 a body needs no header that says so. */
function hasBody({ headers, httpVersionMajor, method }: WebRequest): boolean {
  if (headers['content-length'] !== undefined) return headers['content-length'] !== '0'
  return headers['transfer-encoding'] !== undefined || (httpVersionMajor === 2 && !repeatable.has(method!))
}

const pathOf = (url: string) => url.split('?', 1)[0]!
const clientIp = (request: WebRequest) => (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')

function redirectTo(response: WebResponse, status: number, location: string): void {
  response.writeHead(status, { location, 'content-length': '0' }).end()
}

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
