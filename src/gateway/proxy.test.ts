import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { listenWeb, type WebServer } from '../base/web-server.ts'
import { noMetrics } from './accounts.ts'
import { GatewayProxy } from './proxy.ts'
import type { Backend, Endpoint, RouteAction } from './routing-table.ts'

const at = { port: 80, realPort: 8080, secure: false }
/** A port where nobody listens. */
const nobody: Endpoint = { ip: '127.0.0.1', port: 1 }

describe('the proxy', () => {
  const proxy = new GatewayProxy({
    ...{ clock: systemClock, random: systemRandom, net: systemNet, log: silentLogger },
    securePort: () => 8443,
  })
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
      onRequest: (request, response) => void proxy.serve(request, response, at),
      onUpgrade: (request, socket, head) => void proxy.upgrade(request, socket, head, at),
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
    const action = { backends: [{ weight: 1, backend: { name: 'b', endpoints } }] }
    serve({ 'app.test': action, 'tls.test': { ...action, redirectToTls: true } })
  }

  function serve(actions: Record<string, Omit<RouteAction, 'route'>>): void {
    const match = { path: { type: 'Prefix' as const, path: '' } }
    const hosts = new Map(
      Object.entries(actions).map(([host, action]) => [
        host,
        [{ match, action: { route: 'Ingress default/test', ...action } }],
      ]),
    )
    proxy.table = { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) }
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
      headers: {
        'x-forwarded-for': '6.6.6.6',
        forwarded: 'for=6.6.6.6',
        'x-forwarded-port': '1',
        'x-own': 'yes',
        connection: 'close, x-hop',
        'x-hop': '1',
      },
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
    for (const name of ['x-hop', 'forwarded', 'x-forwarded-port']) expect(seen[0]!.headers[name]).toBeUndefined()
  })

  test('steps back in a path lead past no route: what is matched is what the backend sees', async () => {
    const backends = [{ weight: 1, backend: { name: 'b', endpoints: [alive] } }]
    const routed = (path: string, responseHeaders: NonNullable<RouteAction['responseHeaders']>) => ({
      match: { path: { type: 'Prefix' as const, path } },
      action: { route: `Ingress default${path}`, backends, responseHeaders },
    })
    const said = (value: string) => ({ set: { 'x-route': value }, add: {}, remove: [] })
    const routes = [routed('/admin', said('admin')), routed('', said('open'))]
    const hosts = new Map([['app.test', routes]])
    proxy.table = { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) }
    for (const path of ['/open/../admin/x', '/%2e%2e/admin/x', '/admin/./x'])
      expect((await ask({ path })).headers['x-route']).toBe('admin')
    expect(seen.map(({ url }) => url)).toEqual(['/admin/x', '/admin/x', '/admin/x'])
  })

  test('an endpoint that cannot be reached is passed over, also by a request with a body', async () => {
    lead(nobody, { ...nobody, port: 2 }, alive)
    for (let i = 0; i < 5; i++) expect(await ask({ method: 'POST', body: `b${i}` })).toMatchObject({ status: 200 })
    expect(seen.map(s => s.body)).toEqual(['b0', 'b1', 'b2', 'b3', 'b4'])
  })

  test('an endpoint that could not be reached is not tried again at once', async () => {
    const tried: string[] = []
    const resting = new GatewayProxy({
      ...{ clock: new VirtualClock(), random: systemRandom, net: systemNet, log: silentLogger },
      ...{ securePort: () => 8443, metrics: { ...noMetrics, tried: (_, outcome) => void tried.push(outcome) } },
    })
    lead({ ...nobody, port: 3 }, alive)
    resting.table = proxy.table
    const other = await listenWeb({
      ...{ host: '127.0.0.1', port: 0 },
      onRequest: (request, response) => void resting.serve(request, response, at),
      onUpgrade: (request, socket, head) => void resting.upgrade(request, socket, head, at),
    })
    for (let i = 0; i < 4; i++) expect(await ask({ port: other.port })).toMatchObject({ status: 200 })
    await other.close(0)
    await resting[Symbol.asyncDispose]()
    expect(tried).toEqual(['unreached', ...Array(4).fill('answered')])
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

  test('the backend is let go when the client goes away in the middle, and waits for one that reads slowly', async () => {
    const mostHeld = 64 << 20
    let sent = 0
    let end = () => {}
    const ended = new Promise<void>(done => (end = done))
    reply = (_, response) => {
      const chunk = Buffer.alloc(1 << 16)
      const more = () => {
        do sent += chunk.length
        while (response.write(chunk))
      }
      response.on('drain', more).on('close', () => end())
      more()
    }
    const request = http.get({ host: '127.0.0.1', port: front.port, agent: false, headers: { host: 'app.test' } })
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
    let before = -1
    // Nobody reads: what the kernel and the proxy hold is full some time.
    while (before !== sent && sent < mostHeld) {
      before = sent
      await new Promise(done => systemClock.schedule(100, () => done(undefined)))
    }
    expect(sent).toBeLessThan(mostHeld)
    answer.destroy()
    await ended
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

  const to = (...endpoints: Endpoint[]): Backend => ({ name: 'b', endpoints })

  test('a redirect says where, with the port of the listener unless it changes the scheme', async () => {
    const location = async (redirect: object) => {
      serve({ 'app.test': { backends: [], redirect: { status: 302, ...redirect } } })
      const { status, headers } = await ask({ path: '/old/x?q=1' })
      return [status, headers.location]
    }
    expect(await location({ hostname: 'new.test' })).toEqual([302, 'http://new.test:8080/old/x?q=1'])
    expect(await location({ scheme: 'https', status: 301 })).toEqual([301, 'https://app.test/old/x?q=1'])
    expect(await location({ port: 80 })).toEqual([302, 'http://app.test/old/x?q=1'])
    expect(await location({ port: 8443, scheme: 'https' })).toEqual([302, 'https://app.test:8443/old/x?q=1'])
    expect(await location({ path: { full: '/all' }, port: 80 })).toEqual([302, 'http://app.test/all?q=1'])
    expect(await location({ path: { prefix: '/old', by: '/new' }, port: 80 })).toEqual([
      302,
      'http://app.test/new/x?q=1',
    ])
    expect(await location({ path: { prefix: '/old', by: '' }, port: 80 })).toEqual([302, 'http://app.test/x?q=1'])
  })

  test('a request and its answer are changed as the route and the backend say', async () => {
    reply = (_, response) => response.writeHead(200, { server: 'old', secret: 's', many: 'a' }).end()
    serve({
      'app.test': {
        backends: [{ weight: 1, backend: to(alive), requestHeaders: { add: { 'x-seen': 'backend' } } }],
        requestHeaders: { set: { 'x-set': 'ours' }, add: { 'x-seen': 'route' }, remove: ['x-gone'] },
        responseHeaders: { set: { server: 'new' }, add: { many: 'b' }, remove: ['secret'] },
        rewrite: { hostname: 'inner.test', path: { prefix: '/a', by: '/b' } },
      },
    })
    const got = await ask({ path: '/a/c?d', headers: { 'x-gone': '1', 'x-set': 'theirs', 'x-seen': 'client' } })
    expect(seen[0]).toMatchObject({ url: '/b/c?d', headers: { host: 'inner.test', 'x-set': 'ours' } })
    expect(seen[0]!.headers['x-seen']).toBe('client, route, backend')
    expect(seen[0]!.headers['x-gone']).toBeUndefined()
    expect(got.headers).toMatchObject({ server: 'new', many: 'a, b' })
    expect(got.headers['secret']).toBeUndefined()
  })

  test('requests are shared out by weight', async () => {
    let second = 0
    const other = http.createServer((_, response) => response.end('other'))
    await new Promise<void>(done => other.listen(0, '127.0.0.1', done))
    const port = (other.address() as AddressInfo).port
    serve({
      'app.test': {
        backends: [
          { weight: 9, backend: to(alive) },
          { weight: 1, backend: { name: 'other', endpoints: [{ ip: '127.0.0.1', port }] } },
        ],
      },
    })
    for (let i = 0; i < 20; i++) if ((await ask()).body === 'other') second++
    expect(second).toBe(2)
    other.closeAllConnections()
    other.close()
  })

  test('a copy of each request goes to the mirror, whose answer nobody sees', async () => {
    reply = (_, response) => response.end('first')
    serve({
      'app.test': {
        backends: [{ weight: 1, backend: to(alive) }],
        mirrors: [{ backend: to({ ...alive }), fraction: 0.5 }],
      },
    })
    for (let i = 0; i < 4; i++) expect((await ask({ method: 'POST', body: `body ${i}` })).body).toBe('first')
    await expect.poll(() => seen.length).toBe(6)
    expect(seen.map(s => s.body).sort()).toEqual(['body 0', 'body 1', 'body 1', 'body 2', 'body 3', 'body 3'])
    serve({
      'app.test': { backends: [{ weight: 1, backend: to(alive) }], mirrors: [{ backend: to(nobody), fraction: 1 }] },
    })
    expect((await ask({ method: 'POST', body: 'x' })).status).toBe(200)
  })

  test('what takes too long is ended with 504, for the request or for one backend', async () => {
    reply = () => {}
    serve({ 'app.test': { backends: [{ weight: 1, backend: to(alive) }], requestMs: 30 } })
    expect((await ask()).status).toBe(504)
    serve({ 'app.test': { backends: [{ weight: 1, backend: to(alive) }], backendMs: 30 } })
    expect((await ask()).status).toBe(504)
  })

  test('a backend that is named wrongly is 500, and so is none at all', async () => {
    serve({ 'app.test': { backends: [{ weight: 1, backend: { name: 'b', endpoints: [], wrong: true } }] } })
    expect((await ask()).status).toBe(500)
    serve({ 'app.test': { backends: [] } })
    expect((await ask()).status).toBe(500)
  })

  test('gRPC goes through: HTTP/2 without TLS on both sides, both directions at once, trailers at the end', async () => {
    const server = http2.createServer()
    server.on('stream', (stream, headers) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', te: String(headers['te']) }))
      stream.pipe(stream)
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const backend = { name: 'grpc', endpoints: [{ ip: '127.0.0.1', port }], h2c: true }
    serve({ 'app.test': { backends: [{ weight: 1, backend }] } })
    const session = http2.connect(`http://127.0.0.1:${front.port}`)
    const call = session.request({
      ':method': 'POST',
      ':path': '/echo.Echo/Say',
      ':authority': 'app.test',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const trailers = once(call, 'trailers')
    call.write('one')
    expect(String((await once(call, 'data'))[0])).toBe('one')
    call.end('two')
    expect(String((await once(call, 'data'))[0])).toBe('two')
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '0', te: 'trailers' })
    session.close()
    server.close()
  })
})
