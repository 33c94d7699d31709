import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Logger } from '../../base/logger.ts'
import { silentLogger } from '../../base/logger.ts'
import { systemNet } from '../../base/net.ts'
import { seededRandom } from '../../base/random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { listenWeb, type WebServer } from '../../base/web-server.ts'
import type { GatewayMetrics } from '../accounts.ts'
import { GatewayProxy } from '../proxy.ts'
import type { Backend, Endpoint } from '../routing-table.ts'
import { digest } from './guards.ts'
import type { Guard, Policy } from './policy.ts'

const at = { port: 80, realPort: 80, secure: false }

describe('the policies of routes', () => {
  const clock = new VirtualClock()
  const lines: object[] = []
  const log: Logger = { ...silentLogger, info: (fields, message) => message === 'request' && lines.push(fields) }
  const counted: unknown[] = []
  const metrics: GatewayMetrics = {
    began() {},
    ended: (route, status) => counted.push([route, status]),
    refused: (route, reason) => counted.push([route, reason]),
    tried: (backend, outcome) => counted.push([backend, outcome]),
  }
  const proxy = new GatewayProxy({
    clock,
    random: seededRandom(1),
    net: systemNet,
    log,
    securePort: () => undefined,
    metrics,
  })
  let front: WebServer
  const servers: http.Server[] = []
  let endpoints: Endpoint[]
  /** What each server answers, and what it was asked. */
  let statuses: number[]
  let seen: { server: number; url: string; headers: http.IncomingHttpHeaders }[]
  let reply: ((request: http.IncomingMessage, response: http.ServerResponse) => void) | undefined

  beforeAll(async () => {
    for (const server of [0, 1, 2])
      servers.push(
        http.createServer((request, response) => {
          seen.push({ server, url: request.url!, headers: request.headers })
          request.resume()
          if (reply) reply(request, response)
          else response.writeHead(statuses[server]!).end(String(server))
        }),
      )
    await Promise.all(servers.map(s => new Promise<void>(done => s.listen(0, '127.0.0.1', done))))
    endpoints = servers.map(s => ({ ip: '127.0.0.1', port: (s.address() as AddressInfo).port }))
    front = await listenWeb({
      ...{ host: '127.0.0.1', port: 0 },
      onRequest: (request, response) => void proxy.serve(request, response, at),
      onUpgrade: (request, socket, head) => void proxy.upgrade(request, socket, head, at),
    })
  })
  afterAll(async () => {
    await front.close(0)
    await proxy[Symbol.asyncDispose]()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })
  beforeEach(() => {
    seen = []
    statuses = [200, 200, 200]
    reply = undefined
    lines.length = counted.length = 0
  })

  const backendOf = (...at: number[]): Backend => ({ name: 'b', endpoints: at.map(i => endpoints[i]!) })
  function serve(policy: Partial<Policy>, backend: Backend = backendOf(0, 1, 2)): void {
    const action = {
      route: 'HTTPRoute default/r',
      backends: [{ weight: 1, backend }],
      policy: { guards: [], ...policy },
    }
    const hosts = new Map([['app.test', [{ match: { path: { type: 'Prefix' as const, path: '' } }, action }]]])
    proxy.table = { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) }
  }
  const guarded = (guard: Omit<Guard, 'id'>) => serve({ guards: [{ id: 'g', ...guard }] })

  function ask(headers: Record<string, string> = {}, options: http.RequestOptions = {}) {
    return new Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const request = http.request(
        { host: '127.0.0.1', port: front.port, agent: false, ...options, headers: { host: 'app.test', ...headers } },
        async response => {
          const body = Buffer.concat(await response.toArray()).toString()
          resolve({ status: response.statusCode!, headers: response.headers, body })
        },
      )
      request.on('upgrade', (_response, socket) => {
        socket.destroy()
        resolve({ status: 101, headers: {}, body: '' })
      })
      request.on('error', reject)
      request.end()
    })
  }
  const bodies = async (times: number, headers?: () => Record<string, string>) => {
    const got: string[] = []
    for (let i = 0; i < times; i++) got.push((await ask(headers?.())).body)
    return got
  }

  test('in turn: each endpoint gets every third request', async () => {
    serve({ balancing: { type: 'RoundRobin' } })
    expect(await bodies(6)).toEqual(['0', '1', '2', '0', '1', '2'])
  })

  test('by hash: one client stays with one endpoint, and only the clients of one that goes move', async () => {
    serve({ balancing: { type: 'Header', name: 'x-user' } })
    const users = Array.from({ length: 30 }, (_, i) => `user ${i}`)
    const homes = async () => Promise.all(users.map(async user => (await ask({ 'x-user': user })).body))
    const before = await homes()
    expect(new Set(before).size).toBe(3)
    expect(await homes()).toEqual(before)
    serve({ balancing: { type: 'Header', name: 'x-user' } }, backendOf(2, 0))
    const after = await homes()
    expect(after.filter((home, i) => home !== before[i] && before[i] !== '1')).toEqual([])
  })

  test('by cookie: a client without one gets one, and stays', async () => {
    serve({ balancing: { type: 'Cookie', name: 'home' } })
    const first = await ask()
    const [cookie] = first.headers['set-cookie']!
    expect(cookie).toMatch(/^home=[0-9a-f-]{36}; Path=\/; HttpOnly; SameSite=Lax$/)
    const again = await bodies(5, () => ({ cookie: `other=1; ${cookie!.split(';')[0]}` }))
    expect(new Set([first.body, ...again]).size).toBe(1)
  })

  test('a limit lets through as many as it says, then says when to come again; each client has its own', async () => {
    guarded({ rateLimit: { perSecond: 2, burst: 2, by: { header: 'x-key' } } })
    const status = async (key: string) => (await ask({ 'x-key': key })).status
    expect([await status('a'), await status('a'), await status('a'), await status('b')]).toEqual([200, 200, 429, 200])
    expect((await ask({ 'x-key': 'a' })).headers['retry-after']).toBe('1')
    await clock.advance(500)
    expect([await status('a'), await status('a')]).toEqual([200, 429])
    // The table is made anew at every change; what was counted stays.
    guarded({ rateLimit: { perSecond: 2, burst: 2, by: { header: 'x-key' } } })
    expect(await status('a')).toBe(429)
    expect(counted).toContainEqual(['HTTPRoute default/r', 'RateLimited'])
  })

  test('a name and its password let in, also a connection that is to switch protocols; nothing else does', async () => {
    guarded({ basic: { realm: 'shop', credentials: new Set([digest('ann:secret')]) } })
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    const refused = await ask()
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Basic realm="shop", charset="UTF-8"'])
    const statusOf = async (headers: object) => (await ask(headers as Record<string, string>)).status
    expect(await statusOf(basic('ann:secret'))).toBe(200)
    expect(await statusOf(basic('ann:other'))).toBe(401)
    expect(await statusOf(basic('bob:secret'))).toBe(401)
    expect(await statusOf({ connection: 'Upgrade', upgrade: 'x', ...basic('ann:no') })).toBe(401)
    expect(seen).toHaveLength(1)
  })

  test('a token lets in if it is signed, for us, and in time; the backend is told what it says and nothing else', async () => {
    const pair = await generateKeyPair('ES256')
    const stranger = await generateKeyPair('ES256')
    reply = (request, response) =>
      response.end(request.url === '/keys' ? JSON.stringify({ keys: [{ ...jwk, kid: 'one' }] }) : 'in')
    const jwk = await exportJWK(pair.publicKey)
    guarded({
      jwt: {
        ...{ issuer: 'https://who.test', audiences: ['shop'] },
        ...{ keys: { backend: backendOf(0), path: '/keys' }, claimHeaders: { 'x-user': 'sub', 'x-mail': 'email' } },
      },
    })
    const token = (key = pair.privateKey, more: object = {}, seconds = 60) =>
      new SignJWT({ iss: 'https://who.test', aud: 'shop', sub: 'ann', ...more })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setExpirationTime(Math.floor(clock.now() / 1_000) + seconds)
        .sign(key)
    const status = async (text: string | undefined) =>
      (await ask({ 'x-mail': 'forged', ...(text ? { authorization: `Bearer ${text}` } : {}) })).status
    expect(await status(await token())).toBe(200)
    expect(seen.at(-1)!.headers).toMatchObject({ 'x-user': 'ann' })
    expect(seen.at(-1)!.headers['x-mail']).toBeUndefined()
    expect(await status(undefined)).toBe(401)
    expect(await status(await token(stranger.privateKey))).toBe(401)
    expect(await status(await token(pair.privateKey, { aud: 'else' }))).toBe(401)
    expect(await status(await token(pair.privateKey, { iss: 'https://else.test' }))).toBe(401)
    expect(await status(await token(pair.privateKey, {}, -1))).toBe(401)
    expect(await status(`${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`)).toBe(401)
    expect(seen.filter(s => s.url === '/keys')).toHaveLength(1)
  })

  test('another service decides: its refusal goes to the client, and what it says of the client to the backend', async () => {
    reply = (request, response) => {
      const { 'x-forwarded-uri': uri, authorization } = request.headers
      if (request.url !== '/check') response.end('in')
      else if (authorization === 'good') response.writeHead(204, { 'x-user': 'ann' }).end()
      else response.writeHead(302, { location: `https://login.test/?to=${uri}` }).end('go there')
    }
    guarded({ forward: { backend: backendOf(1), path: '/check', responseHeaders: ['x-user', 'x-group'] } })
    const out = await ask({ 'x-user': 'forged' }, { path: '/a?b=1' })
    expect([out.status, out.headers.location, out.body]).toEqual([302, 'https://login.test/?to=/a?b=1', 'go there'])
    const { status } = await ask({ 'x-user': 'forged', 'x-group': 'forged', authorization: 'good' })
    expect(status).toBe(200)
    expect([seen.at(-1)!.headers['x-user'], seen.at(-1)!.headers['x-group']]).toEqual(['ann', undefined])
    guarded({ forward: { backend: { name: 'gone', endpoints: [] }, path: '/', responseHeaders: [] } })
    expect((await ask()).status).toBe(503)
  })

  test('a guard that cannot be carried out lets nobody pass', async () => {
    guarded({ broken: 'a secret is missing' })
    expect((await ask()).status).toBe(500)
    expect(seen).toEqual([])
  })

  test('a bad answer is tried elsewhere as often as the policy says, if asking twice changes nothing', async () => {
    statuses = [503, 503, 200]
    const retry = (attempts: number) =>
      serve({ balancing: { type: 'RoundRobin' }, retry: { attempts, statuses: new Set([503]) } })
    retry(3)
    expect((await ask()).body).toBe('2')
    expect(counted.at(-1)).toEqual(['HTTPRoute default/r', 200])
    statuses = [503, 503, 503]
    expect((await ask()).status).toBe(503)
    expect((await ask({}, { method: 'POST' })).status).toBe(503)
    expect(seen).toHaveLength(3 + 3 + 1)
  })

  test('the log has a line for each request of a route that wants it, without the query', async () => {
    serve({ accessLog: true }, backendOf(0))
    await ask({ 'user-agent': 'me' }, { path: '/a?secret=1' })
    await expect.poll(() => lines.length).toBe(1)
    expect(lines).toEqual([
      {
        route: 'HTTPRoute default/r',
        ...{ method: 'GET', host: 'app.test', path: '/a', status: 200, client: '127.0.0.1', userAgent: 'me' },
        ...{ durationMs: expect.any(Number), secure: false, httpVersion: '1.1' },
        endpoints: [`127.0.0.1:${endpoints[0]!.port}`],
      },
    ])
    serve({}, backendOf(0))
    await ask()
    expect(lines).toHaveLength(1)
  })
})
