import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import type { BackendClient } from '../backend-client.ts'
import type { Balancer } from '../balancer.ts'
import type { JwtAuth } from './policy.ts'

/** Signatures by a pair of keys only: a shared secret in a public key set would be no secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'EdDSA']
/** An unknown key is asked for at most so often: anybody can make up tokens. */
const askAgainMs = 10_000
const freshMs = 600_000
const requestMs = 5_000
const mostBytes = 1 << 20

interface Known {
  set?: ReturnType<typeof createLocalJWKSet>
  askedMs: number
  asking?: Promise<void> | undefined
}

export interface JwtKeysOptions {
  client: BackendClient
  balancer: Balancer
  net: Net
  clock: Clock
  log: Logger
}

/** Verifies JSON Web Tokens by the key sets that policies name, which are fetched when needed and kept. */
export class JwtKeys {
  readonly #options: JwtKeysOptions
  readonly #known = new Map<string, Known>()

  constructor(options: JwtKeysOptions) {
    this.#options = options
  }

  /** @returns what the token says; undefined if it is not to be believed; 'unknown' if there are no keys to tell by */
  async verify(token: string, auth: JwtAuth): Promise<JWTPayload | 'unknown' | undefined> {
    const known = this.#of(auth)
    const { clock } = this.#options
    const age = clock.monotonicMs() - known.askedMs
    if (!known.set) {
      if (age >= askAgainMs || known.asking) await this.#fetch(known, auth)
    } else if (age > freshMs) void this.#fetch(known, auth)
    for (const again of [true, false]) {
      if (!known.set) return 'unknown'
      try {
        const { issuer, audiences } = auth
        const { payload } = await jwtVerify(token, known.set, {
          ...{ issuer, algorithms, currentDate: new Date(clock.now()) },
          ...(audiences.length ? { audience: [...audiences] } : {}),
        })
        return payload
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error
        if (!again || !(error instanceof errors.JWKSNoMatchingKey)) return undefined
        // The issuer may have new keys.
        if (clock.monotonicMs() - known.askedMs < askAgainMs) return undefined
        await this.#fetch(known, auth)
      }
    }
    return undefined
  }

  /** Forgets the key sets that no policy names any more. */
  keep(policies: Iterable<JwtAuth>): void {
    const names = new Set([...policies].map(nameOf))
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name)
  }

  #of(auth: JwtAuth): Known {
    const name = nameOf(auth)
    let known = this.#known.get(name)
    if (!known) {
      known = { askedMs: Number.NEGATIVE_INFINITY }
      if ('set' in auth.keys) {
        known.set = createLocalJWKSet(JSON.parse(auth.keys.set))
        known.askedMs = Number.POSITIVE_INFINITY
      }
      this.#known.set(name, known)
    }
    return known
  }

  #fetch(known: Known, auth: JwtAuth): Promise<void> {
    known.asking ??= this.#ask(auth)
      .then(set => {
        known.set = createLocalJWKSet(set)
      })
      .catch(error => this.#options.log.warn({ keys: nameOf(auth), error: explain(error) }, 'no keys for tokens'))
      .finally(() => {
        known.askedMs = this.#options.clock.monotonicMs()
        known.asking = undefined
      })
    return known.asking
  }

  async #ask({ keys }: JwtAuth): Promise<JSONWebKeySet> {
    if ('url' in keys) {
      const { status, body } = await this.#options.net.request(keys.url, { timeoutMs: requestMs, maxBytes: mostBytes })
      if (status !== 200) throw new Error(`${keys.url} answered ${status}`)
      return JSON.parse(body.toString())
    }
    if (!('backend' in keys)) throw new Error('the keys are given')
    const { client, balancer } = this.#options
    const endpoint = balancer.choose(keys.backend, new Set())
    if (!endpoint) throw new Error(keys.backend.problem ?? `${keys.backend.name} has no endpoint`)
    const { status, body } = await client.fetch(endpoint, {
      ...{ path: keys.path, headers: {}, timeoutMs: requestMs, mostBytes },
    })
    if (status !== 200) throw new Error(`${keys.backend.name} answered ${status}`)
    return JSON.parse(body.toString())
  }
}

function nameOf({ keys }: JwtAuth): string {
  return 'set' in keys ? keys.set : 'url' in keys ? keys.url : `${keys.backend.name}${keys.path}`
}
