import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { codeOf, explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { Random } from '../base/random.ts'
import type { WebRequest, WebResponse } from '../base/web-server.ts'
import { Accounts, type GatewayMetrics, type Visit } from './accounts.ts'
import { answer, answerWith, redirectTo, refuse, sink } from './answers.ts'
import { type Asked, askedOf, type Entrance, hasBody, isRepeatable, pathOf } from './asked.ts'
import { BackendClient, type BackendQuestion, hostPort } from './backend-client.ts'
import { Balancer } from './balancer.ts'
import { isPreflight, preflightHeaders, replaceCors, tellCors } from './cors.ts'
import type { Headers } from './headers.ts'
import { Mirroring } from './mirroring.ts'
import { type Chosen, outgoing } from './outgoing.ts'
import { type PassingParts, passConnection } from './passthrough.ts'
import { Guards, type Verdict } from './policy/guards.ts'
import { HealthChecks } from './policy/health-checks.ts'
import { changeHeaders, nameOf, redirectLocation } from './rewriting.ts'
import {
  type Endpoint,
  emptyTable,
  type Passthrough,
  passthroughOf,
  type RouteAction,
  type RoutingTable,
  routeOf,
} from './routing-table.ts'
import { type Chance, chanceOf, withCookie } from './stickiness.ts'
import { passUpgrade } from './upgrades.ts'
import { Weights } from './weights.ts'

export interface ProxyOptions {
  clock: Clock
  random: Random
  net: Net
  log: Logger
  /** Where https is spoken, for redirects; undefined: nowhere. */
  securePort: () => number | undefined
  metrics?: GatewayMetrics
  /** What is to be answered at a path before all routes, if anything is. */
  answerAt?: (path: string) => string | undefined
}

/** Until an answer's head is there, unless a route says otherwise. */
const answerMs = 60_000
/** Endpoints that a request is tried on, unless a policy says otherwise. */
const mostTries = 3
/** The connection could not be made: the backend has seen nothing. */
const unreached = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'])
/** A connection ended before there was an answer: the backend may have seen the request. */
const cut = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** A request on its way to a backend. */
interface Passing {
  asked: Asked
  chosen: Chosen
  chance: Chance
  question: BackendQuestion
  response: WebResponse
  visit: Visit
  tried: Set<Endpoint>
}

/** Takes requests to the backends that the routing table names. */
export class GatewayProxy implements AsyncDisposable {
  #table: RoutingTable = emptyTable
  readonly #options: ProxyOptions
  readonly #balancer: Balancer
  readonly #weights = new Weights()
  readonly #client = new BackendClient()
  readonly #mirroring: Mirroring
  readonly #guards: Guards
  readonly #healthChecks: HealthChecks
  readonly #accounts: Accounts
  /** What it takes to lead on what is not looked at. */
  readonly passing: PassingParts

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#balancer = new Balancer(options.clock)
    this.#mirroring = new Mirroring(this.#client, this.#balancer, options.log)
    this.#guards = new Guards({ ...options, client: this.#client, balancer: this.#balancer })
    this.#healthChecks = new HealthChecks({ ...options, balancer: this.#balancer })
    this.#accounts = new Accounts(options)
    this.passing = {
      ...{ weights: this.#weights, balancer: this.#balancer, metrics: this.#accounts.metrics },
      ...{ net: options.net, log: options.log },
    }
  }

  get table(): RoutingTable {
    return this.#table
  }

  set table(table: RoutingTable) {
    this.#table = table
    this.#guards.follow(table)
    this.#healthChecks.follow(table)
  }

  async serve(request: WebRequest, response: WebResponse, at: Entrance): Promise<void> {
    const asked = askedOf(request, at)
    if (!asked) return answer(response, 400, 'the request names no host')
    const given = this.#options.answerAt?.(pathOf(asked.url))
    if (given !== undefined) return answerWith(response, 200, { 'content-type': 'text/plain' }, given)
    const action = this.#actionOf(asked)
    const visit = this.#accounts.begin(asked, action, response)
    if (!action) return answer(response, 404, `no route for ${nameOf(asked.host)}${pathOf(asked.url)}`)
    const location = this.#redirect(asked, action)
    if (location) return redirectTo(response, location.status, location.url)
    if (action.cors) {
      // Browsers ask without what would let them in.
      if (isPreflight(asked.method, request.headers))
        return answerWith(response, 204, preflightHeaders(action.cors, request.headers), '')
      tellCors(response, action.cors, request.headers.origin)
    }
    const verdict = await this.#verdict(asked, action)
    if (verdict && 'refusal' in verdict) {
      const { status, headers, body } = verdict.refusal
      return answerWith(response, status, headers, body)
    }
    const backend = this.#weights.next(action)
    if (!backend) return answer(response, 500, 'the route names no backend')
    if (backend.backend.wrong) return answer(response, 500, 'the route names a backend that is not there')
    await this.#pass(asked, { ...backend, action, told: verdict?.headers ?? noHeaders }, response, visit)
  }

  async upgrade(request: WebRequest, socket: Duplex, head: Buffer, at: Entrance): Promise<void> {
    socket.on('error', () => socket.destroy())
    const asked = askedOf(request, at)
    const action = asked && this.#actionOf(asked)
    if (!asked || !action) return refuse(socket, '404 Not Found')
    const verdict = await this.#verdict(asked, action)
    if (verdict && 'refusal' in verdict) {
      const { 'www-authenticate': challenge = [] } = verdict.refusal.headers
      return refuse(socket, `${verdict.refusal.status} Refused`, { 'www-authenticate': challenge })
    }
    const backend = this.#weights.next(action)
    const { choice } = chanceOf(asked, action.policy?.balancing, this.#options.random)
    const endpoint = backend && this.#balancer.choose(backend.backend, noEndpoints, choice)
    if (!endpoint) return refuse(socket, '503 Service Unavailable')
    socket.once('close', this.#balancer.begin(endpoint))
    const chosen = { ...backend, action, told: verdict?.headers ?? noHeaders }
    await passUpgrade(asked, chosen, endpoint, { socket, head }, this.#options)
  }

  /** Leads a TLS connection on as it is. @returns false if no route wants it */
  passThrough(serverName: string, socket: Duplex, at: Entrance): boolean {
    const passthrough = passthroughOf(this.#table.ports.get(at.port), serverName)
    if (!passthrough) return false
    void passConnection(passthrough, socket, this.passing)
    return true
  }

  /** Where what comes to a port goes now, if nothing of it is looked at; undefined: nowhere. */
  asItIs(place: number): Passthrough | undefined {
    return this.#table.ports.get(place)?.asItIs?.to
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#healthChecks[Symbol.dispose]()
    await this.#client[Symbol.asyncDispose]()
  }

  /** What is to become of the request; undefined: nobody said. */
  #actionOf({ request, host, url, method, at }: Asked): RouteAction | undefined {
    const routes = this.#table.ports.get(at.port)
    const route = routeOf(routes, {
      host: nameOf(host),
      path: pathOf(url),
      method,
      headers: request.headers,
      query: url.includes('?') ? new URLSearchParams(url.slice(url.indexOf('?') + 1)) : noQuery,
    })
    return route ? route.action : routes?.fallback
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

  /** Undefined: nobody guards the route. */
  async #verdict(asked: Asked, { policy, route }: RouteAction): Promise<Verdict | undefined> {
    if (!policy?.guards.length) return undefined
    const { method, host, url, clientIp, request, at } = asked
    const visitor = { method, host, url, clientIp, headers: request.headers, secure: at.secure }
    const verdict = await this.#guards.judge(policy.guards, visitor)
    if ('refusal' in verdict) this.#accounts.metrics.refused(route, verdict.refusal.reason)
    return verdict
  }

  async #pass(asked: Asked, chosen: Chosen, response: WebResponse, visit: Visit): Promise<void> {
    const { policy, requestMs = policy?.requestMs } = chosen.action
    // Most routes have no limit: a signal for each request is work.
    const over = requestMs ? new AbortController() : undefined
    const cancel = over && this.#options.clock.schedule(requestMs!, () => over.abort(tooLong))
    const passing: Passing = {
      asked,
      chosen,
      response,
      visit,
      tried: new Set<Endpoint>(),
      chance: chanceOf(asked, policy?.balancing, this.#options.random),
      question: this.#question(asked, chosen, over?.signal),
    }
    try {
      while (await this.#try(passing));
    } finally {
      if (cancel) cancel()
    }
  }

  /** @returns true if it is to be tried on another endpoint */
  async #try(passing: Passing): Promise<boolean> {
    const { chosen, chance, response, tried, visit } = passing
    const endpoint = this.#balancer.choose(chosen.backend, tried, chance.choice)
    if (!endpoint) {
      answer(response, tried.size ? 502 : 503, 'nobody is there to answer; try again soon')
      return false
    }
    tried.add(endpoint)
    visit.endpoints.push(hostPort(endpoint))
    const done = this.#balancer.begin(endpoint)
    try {
      return await this.#ask(endpoint, passing)
    } catch (error) {
      return this.#again(passing, endpoint, error)
    } finally {
      done()
    }
  }

  #question(asked: Asked, chosen: Chosen, signal: AbortSignal | undefined): BackendQuestion {
    const { request, method } = asked
    const { mirrors, policy, backendMs = policy?.backendMs ?? answerMs } = chosen.action
    const question: BackendQuestion = {
      method,
      ...outgoing(asked, chosen),
      body: hasBody(request) ? () => lazily(request) : undefined,
      signal,
      headMs: backendMs,
    }
    return mirrors ? this.#mirroring.copied(question, mirrors) : question
  }

  /** @returns true if the answer is one after which another endpoint is asked */
  async #ask(endpoint: Endpoint, passing: Passing): Promise<boolean> {
    const { chosen, chance, question, response } = passing
    let again = false
    await this.#client.ask(endpoint, chosen.backend, question, (status, headers) => {
      this.#accounts.metrics.tried(chosen.backend.name, 'answered')
      again = this.#isBad(status, passing)
      if (again) return sink()
      withCookie(headers, chance)
      if (chosen.action.cors) replaceCors(headers, response)
      changeHeaders(headers, chosen.responseHeaders, chosen.action.responseHeaders)
      return response.writeHead(status, headers)
    })
    return again
  }

  #isBad(status: number, { asked, chosen, tried }: Passing): boolean {
    const { backend, action } = chosen
    const retry = action.policy?.retry
    if (!retry?.statuses.has(status) || tried.size >= retry.attempts || !isRepeatable(asked)) return false
    return this.#balancer.choose(backend, tried) !== undefined
  }

  /** What becomes of a request that failed. @returns true if it may be tried elsewhere */
  #again({ asked, chosen, response, tried }: Passing, endpoint: Endpoint, error: unknown): boolean {
    // The client went away, or the answer broke off in the middle: nothing can be said any more.
    if (response.headersSent || response.destroyed) {
      response.destroy()
      return false
    }
    const code = codeOf(error) ?? ''
    const seen = !unreached.has(code)
    this.#accounts.metrics.tried(chosen.backend.name, seen ? 'broken' : 'unreached')
    if (!seen) this.#balancer.failed(endpoint)
    const most = chosen.action.policy?.retry?.attempts ?? mostTries
    if (tried.size < most && (!seen || (cut.has(code) && isRepeatable(asked)))) return true
    const { host } = asked
    this.#options.log.warn({ host, endpoint: hostPort(endpoint), error: explain(error) }, 'no answer from a backend')
    if (code === 'UND_ERR_HEADERS_TIMEOUT' || error === tooLong) answer(response, 504, 'no answer in time')
    else answer(response, 502, 'the backend could not be reached, or broke off')
    return false
  }
}

const tooLong = new Error('the request took longer than its route allows')
const noEndpoints: ReadonlySet<Endpoint> = new Set()
const noHeaders: Headers = {}
const noQuery = new URLSearchParams()

/** Read when somebody wants it: a connection that fails leaves the body for the next try. */
async function* lazily(request: WebRequest): AsyncGenerator<Buffer> {
  yield* request
}
