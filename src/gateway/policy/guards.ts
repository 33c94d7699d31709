import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { WebHeaders } from '../../base/web-server.ts'
import type { BackendClient } from '../backend-client.ts'
import type { Balancer } from '../balancer.ts'
import { endToEnd, type Headers } from '../headers.ts'
import type { RoutingTable } from '../routing-table.ts'
import { JwtKeys, type JwtKeysOptions } from './jwt-keys.ts'
import type { ForwardAuth, Guard, JwtAuth, RateLimit } from './policy.ts'
import { RateLimits } from './rate-limits.ts'

/** What a guard knows of a request. */
export interface Visitor {
  method: string
  host: string
  /** Path and query. */
  url: string
  headers: WebHeaders
  clientIp: string
  secure: boolean
}

/** Why a request does not pass, as the client is told. */
export interface Refusal {
  status: number
  headers: Headers
  body: string | Buffer
  /** For counters: `RateLimited`, `Unauthorized`, `Forbidden`, `Broken`. */
  reason: string
}

/** What the guards found: a refusal, or what the backend is told of the client. */
export type Verdict = { refusal: Refusal } | { headers: Headers }

const forwardMs = 5_000
const mostBytes = 1 << 20

/** Lets requests pass, or not, as the guards of their route say. */
export class Guards {
  readonly #limits: RateLimits
  readonly #keys: JwtKeys
  readonly #client: BackendClient
  readonly #balancer: Balancer
  readonly #log: Logger

  constructor(options: JwtKeysOptions & { clock: Clock }) {
    this.#limits = new RateLimits(options.clock)
    this.#keys = new JwtKeys(options)
    this.#client = options.client
    this.#balancer = options.balancer
    this.#log = options.log
  }

  /** Limits first: whoever guesses passwords is slowed down too. */
  async judge(guards: readonly Guard[], visitor: Visitor): Promise<Verdict> {
    const headers: Headers = {}
    for (const guard of guards) {
      const { id, broken, rateLimit } = guard
      if (broken !== undefined) return refuse(500, 'Broken', 'the route has a policy that cannot be carried out')
      if (rateLimit) {
        const waitMs = this.#limits.take(id, rateLimit, whoOf(rateLimit, visitor))
        if (waitMs)
          return refuse(429, 'RateLimited', 'too many requests', { 'retry-after': String(Math.ceil(waitMs / 1_000)) })
      }
    }
    for (const guard of guards) {
      const refusal =
        basicRefusal(guard, visitor) ??
        (guard.jwt && (await this.#jwtRefusal(guard.jwt, visitor, headers))) ??
        (guard.forward && (await this.#forwardRefusal(guard.forward, visitor, headers)))
      if (refusal) return { refusal }
    }
    return { headers }
  }

  /** Forgets what was counted for guards that are gone. */
  follow(table: RoutingTable): void {
    const guards = new Map<string, Guard>()
    for (const { hosts } of table.ports.values())
      for (const routes of hosts.values())
        for (const { action } of routes) for (const guard of action.policy?.guards ?? []) guards.set(guard.id, guard)
    this.#limits.keep(new Set(guards.keys()))
    this.#keys.keep([...guards.values()].flatMap(({ jwt }) => jwt ?? []))
  }

  async #jwtRefusal(jwt: JwtAuth, { headers }: Visitor, out: Headers): Promise<Refusal | undefined> {
    // Nobody outside can say for the token what it does not say.
    for (const name of Object.keys(jwt.claimHeaders)) out[name] = []
    const [, token] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    const claims = token === undefined ? undefined : await this.#keys.verify(token, jwt)
    if (claims === 'unknown') return refusal(503, 'Unavailable', 'the keys for tokens are not there; try again soon')
    if (!claims) {
      const challenge = token === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
      return refusal(401, 'Unauthorized', 'a valid token is needed', { 'www-authenticate': challenge })
    }
    for (const [name, claim] of Object.entries(jwt.claimHeaders)) {
      const value = claims[claim]
      if (value !== undefined) out[name] = sayable(typeof value === 'string' ? value : JSON.stringify(value))
    }
    return undefined
  }

  async #forwardRefusal(forward: ForwardAuth, visitor: Visitor, out: Headers): Promise<Refusal | undefined> {
    const { backend, path = visitor.url, responseHeaders } = forward
    for (const name of responseHeaders) out[name] = []
    const endpoint = this.#balancer.choose(backend, new Set())
    if (!endpoint) return refusal(503, 'Unavailable', 'nobody is there to decide; try again soon')
    try {
      const answer = await this.#client.fetch(endpoint, {
        ...{ path, timeoutMs: forwardMs, mostBytes },
        headers: forwardHeaders(visitor),
      })
      const headers = endToEnd(answer.headers)
      if (answer.status < 200 || answer.status > 299) {
        delete headers['content-length']
        return { status: answer.status, headers, body: answer.body, reason: 'Forbidden' }
      }
      for (const name of responseHeaders) if (headers[name] !== undefined) out[name] = headers[name]
      return undefined
    } catch (error) {
      this.#log.warn({ backend: backend.name, error: explain(error) }, 'nobody decided about a request')
      return refusal(503, 'Unavailable', 'nobody is there to decide; try again soon')
    }
  }
}

function basicRefusal({ basic }: Guard, { headers }: Visitor): Refusal | undefined {
  if (!basic) return undefined
  const [, encoded] = /^basic +(\S+)$/i.exec(headers.authorization ?? '') ?? []
  const said = encoded === undefined ? undefined : Buffer.from(encoded, 'base64')
  // Compared by digest: how long it takes tells nothing of the password.
  if (said && basic.credentials.has(digest(said))) return undefined
  return refusal(401, 'Unauthorized', 'a name and a password are needed', {
    'www-authenticate': `Basic realm="${basic.realm}", charset="UTF-8"`,
  })
}

export const digest = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

function whoOf({ by }: RateLimit, { clientIp, headers }: Visitor): string {
  if (by === 'Route') return ''
  if (by === 'Client') return clientIp
  const value = headers[by.header]
  // Who does not say who he is shares one limit with all others who do not.
  return value === undefined ? '' : digest([value].flat().join(','))
}

/** As other proxies say it, so that services made for them understand. */
function forwardHeaders({ method, host, url, headers, clientIp, secure }: Visitor): Headers {
  const sent = endToEnd(headers)
  delete sent['content-length']
  return {
    ...sent,
    host,
    'x-forwarded-for': clientIp,
    'x-forwarded-host': host,
    'x-forwarded-method': method,
    'x-forwarded-proto': secure ? 'https' : 'http',
    'x-forwarded-uri': url,
    'x-original-method': method,
    'x-original-url': `${secure ? 'https' : 'http'}://${host}${url}`,
  }
}

/** A claim may hold what no header may. */
const sayable = (text: string) => (/^[\t -~]*$/.test(text) ? text : encodeURIComponent(text))

const refusal = (status: number, reason: string, text: string, headers: Headers = {}): Refusal => ({
  status,
  reason,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
  body: `${text}\n`,
})
const refuse = (...args: Parameters<typeof refusal>): Verdict => ({ refusal: refusal(...args) })
