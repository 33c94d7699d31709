import { randomBytes } from 'node:crypto'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint, flattenedVerify, importJWK, type JWK } from 'jose'
import { createAuthority, type KeyPair, readSigningRequest, signRequest } from '../../../base/certificates.ts'
import type { Clock } from '../../../base/clock.ts'

interface Authorization {
  name: string
  token: string
  status: 'pending' | 'valid' | 'invalid'
  error?: { type: string; detail: string }
}

interface Order {
  authorizations: string[]
  names: string[]
  status: 'pending' | 'ready' | 'valid'
  certificate?: string
}

class Problem extends Error {
  readonly status: number
  readonly type: string
  readonly headers: Record<string, string>

  constructor(status: number, type: string, detail: string, headers: Record<string, string> = {}) {
    super(detail)
    this.status = status
    this.type = type
    this.headers = headers
  }
}

/**
 * An authority as RFC 8555 has it, small but strict: nonces are used once, requests are signed, names are proven over HTTP.
 * For tests.
 */
export class AcmeServer implements AsyncDisposable {
  /** Of what was asked: `newOrder`, `finalize`, … */
  readonly asked: string[] = []
  /** While set, new orders are refused with 429. */
  limited: { retryAfter: string } | undefined
  days = 90
  readonly #clock: Clock
  readonly #authority: KeyPair
  readonly #fetch: (name: string, path: string) => Promise<string>
  readonly #server: http.Server
  readonly #nonces = new Set<string>()
  readonly #accounts = new Map<string, JWK>()
  readonly #orders = new Map<string, Order>()
  readonly #authorizations = new Map<string, Authorization>()
  readonly #certificates = new Map<string, string>()

  private constructor(clock: Clock, authority: KeyPair, fetch: (name: string, path: string) => Promise<string>) {
    this.#clock = clock
    this.#authority = authority
    this.#fetch = fetch
    this.#server = http.createServer((request, response) => void this.#serve(request, response))
  }

  /** @param fetch asks a name for a path, as the real authority would over the Internet */
  static async open(clock: Clock, fetch: (name: string, path: string) => Promise<string>): Promise<AcmeServer> {
    const server = new AcmeServer(clock, await createAuthority('acme test', clock), fetch)
    await new Promise<void>(done => server.#server.listen(0, '127.0.0.1', done))
    return server
  }

  get directoryUrl(): string {
    return this.#url('directory')
  }

  get ca(): string {
    return this.#authority.cert
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(done => this.#server.close(done))
  }

  #url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${path}`
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const nonce = randomBytes(12).toString('base64url')
    this.#nonces.add(nonce)
    const base = { 'replay-nonce': nonce, 'content-type': 'application/json' }
    try {
      const [what = '', id = ''] = request.url!.slice(1).split('/')
      if (what === 'directory') response.writeHead(200, base).end(JSON.stringify(this.#directory()))
      else if (what === 'newNonce') response.writeHead(200, base).end()
      else {
        this.asked.push(what)
        const { status = 200, headers = {}, body } = await this.#act(what, id, await this.#signed(request))
        response.writeHead(status, { ...base, ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body))
      }
    } catch (error) {
      const { status, type, message, headers } =
        error instanceof Problem ? error : new Problem(500, 'serverInternal', String(error))
      response.writeHead(status, { ...base, ...headers, 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: message, status }))
    }
  }

  #directory() {
    const names = ['newNonce', 'newAccount', 'newOrder', 'revokeCert', 'keyChange']
    return Object.fromEntries(names.map(name => [name, this.#url(name)]))
  }

  /** @throws Problem unless it is signed by the account, for this address, with a fresh nonce */
  async #signed(request: http.IncomingMessage): Promise<{ payload: any; jwk: JWK; account: string | undefined }> {
    const jws = JSON.parse(Buffer.concat(await request.toArray()).toString())
    const { nonce, url, jwk: own, kid, alg } = JSON.parse(Buffer.from(jws.protected, 'base64url').toString())
    if (!this.#nonces.delete(nonce)) throw new Problem(400, 'badNonce', 'the nonce was used or never given')
    if (url !== this.#url(request.url!.slice(1))) throw new Problem(401, 'unauthorized', 'signed for another address')
    const jwk: JWK | undefined = own ?? this.#accounts.get(kid)
    if (!jwk) throw new Problem(400, 'accountDoesNotExist', 'nobody has this account')
    await flattenedVerify(jws, await importJWK(jwk, alg)).catch(() => {
      throw new Problem(401, 'unauthorized', 'the signature is wrong')
    })
    const payload = Buffer.from(jws.payload, 'base64url').toString()
    return { payload: payload && JSON.parse(payload), jwk, account: kid }
  }

  async #act(
    what: string,
    id: string,
    { payload, jwk, account }: { payload: any; jwk: JWK; account: string | undefined },
  ): Promise<{ status?: number; headers?: Record<string, string>; body: unknown }> {
    if (what === 'newAccount') {
      if (!payload.termsOfServiceAgreed) throw new Problem(403, 'userActionRequired', 'agree to the terms')
      const url = this.#url(`account/${this.#accounts.size}`)
      this.#accounts.set(url, jwk)
      return { status: 201, headers: { location: url }, body: { status: 'valid' } }
    }
    if (!account) throw new Problem(401, 'unauthorized', 'an account is needed')
    switch (what) {
      case 'newOrder':
        return this.#newOrder(payload.identifiers)
      case 'order':
        return { body: this.#orderBody(id) }
      case 'authz':
        return { body: this.#authorizationBody(id) }
      case 'challenge':
        if (payload) await this.#prove(id, jwk)
        return { body: this.#challengeBody(id) }
      case 'finalize':
        return this.#finalize(id, payload.csr)
      case 'certificate':
        return { body: this.#certificates.get(id) }
      default:
        throw new Problem(404, 'malformed', `there is no ${what}`)
    }
  }

  #newOrder(identifiers: { value: string }[]) {
    if (this.limited)
      throw new Problem(429, 'rateLimited', 'too many certificates already issued', {
        'retry-after': this.limited.retryAfter,
      })
    const id = String(this.#orders.size)
    const authorizations = identifiers.map(({ value }) => {
      const id = String(this.#authorizations.size)
      const token = randomBytes(16).toString('base64url')
      this.#authorizations.set(id, { name: value, token, status: 'pending' })
      return id
    })
    this.#orders.set(id, { authorizations, names: identifiers.map(i => i.value), status: 'pending' })
    return { status: 201, headers: { location: this.#url(`order/${id}`) }, body: this.#orderBody(id) }
  }

  #orderBody(id: string) {
    const order = this.#orders.get(id)!
    const proven = order.authorizations.every(a => this.#authorizations.get(a)!.status === 'valid')
    return {
      status: order.status === 'pending' && proven ? 'ready' : order.status,
      identifiers: order.names.map(value => ({ type: 'dns', value })),
      authorizations: order.authorizations.map(a => this.#url(`authz/${a}`)),
      finalize: this.#url(`finalize/${id}`),
      ...(order.certificate ? { certificate: this.#url(`certificate/${order.certificate}`) } : {}),
    }
  }

  #authorizationBody(id: string) {
    const { name, status } = this.#authorizations.get(id)!
    return { identifier: { type: 'dns', value: name }, status, challenges: [this.#challengeBody(id)] }
  }

  #challengeBody(id: string) {
    const { token, status, error } = this.#authorizations.get(id)!
    return { type: 'http-01', url: this.#url(`challenge/${id}`), token, status, ...(error ? { error } : {}) }
  }

  async #prove(id: string, jwk: JWK): Promise<void> {
    const authorization = this.#authorizations.get(id)!
    const { name, token } = authorization
    const wanted = `${token}.${await calculateJwkThumbprint(jwk)}`
    const got = await this.#fetch(name, `/.well-known/acme-challenge/${token}`)
    authorization.status = got === wanted ? 'valid' : 'invalid'
    if (got !== wanted) authorization.error = { type: 'unauthorized', detail: `${name} answered "${got}"` }
  }

  async #finalize(id: string, csr: string) {
    if (this.#orderBody(id).status !== 'ready') throw new Problem(403, 'orderNotReady', 'names are not proven')
    const order = this.#orders.get(id)!
    const lines = Buffer.from(csr, 'base64url')
      .toString('base64')
      .match(/.{1,64}/g)!
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`
    const { dnsNames } = await readSigningRequest(pem)
    if (dnsNames.sort().join() !== [...order.names].sort().join())
      throw new Problem(400, 'badCSR', 'other names than the order')
    const cert = await signRequest(this.#authority, pem, { usages: ['server'], days: this.days }, this.#clock)
    this.#certificates.set(id, `${cert}\n${this.#authority.cert}\n`)
    Object.assign(order, { status: 'valid', certificate: id })
    return { body: this.#orderBody(id) }
  }
}
