import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { listenWeb, type WebServer } from '../base/web-server.ts'
import { GatewayProxy } from './proxy.ts'
import { type Endpoint, emptyTable } from './routing-table.ts'

/** A port where nobody listens. */
const nobody: Endpoint = { ip: '127.0.0.1', port: 1 }

describe('the proxy', () => {
  const proxy = new GatewayProxy({ clock: systemClock, net: systemNet, log: silentLogger, securePort: () => 8443 })
  let front: WebServer
  let backend: http.Server
  let alive: Endpoint
  let seen: { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }[]
  let reply: (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void

  beforeAll(async () => {
    backend = http.createServer((request, response) => {
      let body = ''
      request.on('data', chunk => (body += chunk))
      request.on('end', () => {
        seen.push({ method: request.method!, url: request.url!, headers: request.headers, body })
        reply(request, response, body)
      })
    })
    backend.on('upgrade', (request, socket) => {
      if (request.url === '/no') return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n')
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await new Promise<void>(done => backend.listen(0, '127.0.0.1', done))
    alive = { ip: '127.0.0.1', port: (backend.address() as AddressInfo).port }
    front = await listenWeb({
      host: '127.0.0.1',
      port: 0,
      onRequest: (request, response) => void proxy.serve(request, response, false),
      onUpgrade: (request, socket, head) => void proxy.upgrade(request, socket, head, false),
    })
  })
  afterAll(async () => {
    await front.close(0)
    await proxy[Symbol.asyncDispose]()
    backend.closeAllConnections()
    backend.close()
  })
  beforeEach(() => {
    seen = []
    reply = (_, response) => response.end('hello')
    lead(alive)
  })

  function lead(...endpoints: Endpoint[]): void {
    const route = { type: 'Prefix' as const, path: '', backend: { name: 'b', endpoints }, redirectToTls: false }
    proxy.table = {
      ...emptyTable,
      hosts: new Map([
        ['app.test', [route]],
        ['tls.test', [{ ...route, redirectToTls: true }]],
      ]),
    }
  }

  function ask(options: http.RequestOptions & { body?: string | Buffer } = {}) {
    return new Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const request = http.request(
        {
          host: '127.0.0.1',
          port: front.port,
          agent: false,
          ...options,
          headers: { host: 'app.test', ...options.headers },
        },
        response => {
          let body = ''
          response.on('data', chunk => (body += chunk))
          response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
          response.on('error', reject)
        },
      )
      request.on('error', reject)
      request.end(options.body)
    })
  }

  test('passes a request on with its body and says who asked; nobody outside can say it for us', async () => {
    reply = (_, response) => response.writeHead(201, { 'x-answer': '1', 'set-cookie': ['a=1', 'b=2'] }).end('made')
    const got = await ask({
      method: 'POST',
      path: '/p?q=1',
      headers: { 'x-forwarded-for': '6.6.6.6', 'x-own': 'yes', connection: 'close, x-hop', 'x-hop': '1' },
      body: 'data',
    })
    expect(got).toMatchObject({ status: 201, body: 'made', headers: { 'x-answer': '1', 'set-cookie': ['a=1', 'b=2'] } })
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/p?q=1', body: 'data' })
    expect(seen[0]!.headers).toMatchObject({
      host: 'app.test',
      'x-own': 'yes',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'app.test',
    })
    expect(seen[0]!.headers['x-hop']).toBeUndefined()
  })

  test('an endpoint that cannot be reached is passed over, also by a request with a body', async () => {
    lead(nobody, { ...nobody, port: 2 }, alive)
    for (let i = 0; i < 5; i++) expect(await ask({ method: 'POST', body: `b${i}` })).toMatchObject({ status: 200 })
    expect(seen.map(s => s.body)).toEqual(['b0', 'b1', 'b2', 'b3', 'b4'])
  })

  test('says what is wrong: no route, nobody there, nobody reachable', async () => {
    expect(await ask({ headers: { host: 'other.test' } })).toMatchObject({
      status: 404,
      body: 'no route for other.test/\n',
    })
    lead()
    expect((await ask()).status).toBe(503)
    lead(nobody)
    expect((await ask()).status).toBe(502)
  })

  test('an answer that breaks off is not made to look whole', async () => {
    reply = (_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('part')
      setTimeout(() => response.destroy(), 20)
    }
    await expect(ask()).rejects.toThrow()
  })

  test('a request that only reads is tried again where the first backend hung up; one that writes is not', async () => {
    let calls = 0
    reply = (request, response) => {
      if (++calls === 1) request.socket.destroy()
      else response.end('second')
    }
    lead(alive, { ...alive })
    expect(await ask()).toMatchObject({ status: 200, body: 'second' })
    calls = 0
    expect(await ask({ method: 'POST', body: 'x' })).toMatchObject({ status: 502 })
  })

  test('plain requests for a host with TLS are sent to https', async () => {
    const got = await ask({ path: '/a?b', headers: { host: 'tls.test:80' } })
    expect([got.status, got.headers.location]).toEqual([308, 'https://tls.test:8443/a?b'])
  })

  test('large bodies flow both ways', async () => {
    reply = (_, response, body) => response.end(body)
    const body = 'x'.repeat(3_000_000)
    const got = await ask({ method: 'PUT', body })
    expect(got.body.length).toBe(body.length)
  })

  test('a connection switches protocols when the backend does, and not before', async () => {
    const upgrade = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const request = http.request({
          host: '127.0.0.1',
          port: front.port,
          path,
          headers: { host: 'app.test', connection: 'Upgrade', upgrade: 'echo' },
        })
        request.on('upgrade', (_response, socket) => {
          socket.on('data', data => {
            resolve(String(data))
            socket.destroy()
          })
          socket.write('ping')
        })
        request.on('response', response => resolve(`refused ${response.statusCode}`))
        request.on('error', reject)
        request.end()
      })
    expect(await upgrade('/')).toBe('ping')
    expect(await upgrade('/no')).toBe('refused 403')
  })
})
