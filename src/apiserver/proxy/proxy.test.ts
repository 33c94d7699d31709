import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { loopbackNet, serviceObjects, startOutsideServer } from '../testing/outside-server.ts'
import { admin, startTestServer } from '../testing/test-server.ts'
import { throughUs, waysTo } from './own-links.ts'
import { parseProxyName } from './target.ts'

type Handler = Parameters<typeof startOutsideServer>[1]

const echo: Handler = (request, response, body) =>
  void response
    .setHeader('x-pod', 'yes')
    .end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body: body.toString() }))

async function setUp(handler: Handler = echo, options = {}) {
  const dialled: string[] = []
  const server = await startTestServer({ net: loopbackNet(dialled), tokens: { secret: admin }, ...options })
  const outside = await startOutsideServer(undefined, handler)
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]()
    await outside[Symbol.asyncDispose]()
  })
  const pod = async (name: string, podIP: string) => {
    const ports = [{ name: 'web', containerPort: outside.port }]
    const spec = { containers: [{ name: 'c', image: 'i', ports }] }
    const { body } = await server.call('POST', '/api/v1/namespaces/default/pods', {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name },
      spec,
    })
    await server.call('PUT', `/api/v1/namespaces/default/pods/${name}/status`, {
      ...body,
      status: { podIP, podIPs: [{ ip: podIP }] },
    })
  }
  await pod('web', '10.244.0.7')
  for (const [url, object] of serviceObjects('svc', outside.port, { portName: 'main', servicePort: 80 }))
    await server.call('POST', url, object)
  return { ...{ server, outside, dialled, pod }, call: server.call }
}

const ns = '/api/v1/namespaces/default'

test.each([
  ['web', { scheme: '', name: 'web', port: '' }],
  ['web:80', { scheme: '', name: 'web', port: '80' }],
  ['https:web:main', { scheme: 'https', name: 'web', port: 'main' }],
  ['http:web:', { scheme: 'http', name: 'web', port: '' }],
])('%s names a target', (text, parts) => expect(parseProxyName(text, 'pod')).toEqual(parts))

test.each(['ftp:web:80', 'a:b:c:d', ':80', 'https::80'])('%s names none', text => {
  expect(() => parseProxyName(text, 'pod')).toThrow(`invalid pod request "${text}"`)
})

test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
  '%s reaches pods and services by name, number and name of port',
  async method => {
    const { call, outside, dialled } = await setUp()
    const body = method === 'GET' || method === 'OPTIONS' ? undefined : { a: 1 }
    for (const target of [
      'pods/web',
      'pods/web:web',
      `pods/http:web:${outside.port}`,
      'services/svc',
      'services/svc:main',
      'services/svc:80',
    ]) {
      const reply = await call(method, `${ns}/${target}/proxy/some/path?q=1&q=2`, body)
      expect(reply).toMatchObject({
        status: 200,
        headers: { 'x-pod': 'yes' },
        body: { method, url: '/some/path?q=1&q=2', body: body ? '{"a":1}' : '' },
      })
    }
    expect(new Set(dialled)).toEqual(new Set([`10.244.0.7:${outside.port}`, `10.244.0.9:${outside.port}`]))
  },
)

test('a path without its slash is redirected, and places of the backend lead through us', async () => {
  const { call } = await setUp((_request, response) => void response.writeHead(302, { location: '/next?x=1' }).end())
  const bare = await call('GET', `${ns}/services/svc/proxy?a=b`)
  expect(bare).toMatchObject({ status: 301, headers: { location: `${ns}/services/svc/proxy/?a=b` } })
  const moved = await call('GET', `${ns}/services/svc/proxy/here`)
  expect(moved).toMatchObject({ status: 302, headers: { location: `${ns}/services/svc/proxy/next?x=1` } })
})

test.each([
  ['/x?a=b#c', '/p/x?a=b#c'],
  ['/', '/p/'],
  ['/p/x', '/p/x'],
  ['/px', '/p/px'],
  ['http://10.0.0.1/x', '/p/x'],
  ['https://10.0.0.1:80/x', '/p/x'],
  ['//api.example:6443/x', '/p/x'],
  ['http://10.0.0.1:81/x', 'http://10.0.0.1:81/x'],
  ['//elsewhere/x', '//elsewhere/x'],
  ['x', 'x'],
  ['', ''],
  ['javascript:alert(1)', 'javascript:alert(1)'],
])('the link %s of a backend leads to %s', (link, through) => {
  const ways = waysTo({ scheme: 'http', host: '10.0.0.1', port: 80 }, '/p', 'api.example:6443')
  expect(throughUs(link, ways)).toBe(through)
})

test('links of a page lead through us, those of other texts stay', async () => {
  const { call } = await setUp((request, response) => {
    const type = request.url === '/page' ? 'text/html; charset=utf-8' : 'text/plain'
    response.writeHead(200, { 'content-type': type, 'content-length': 18 }).end('<a href="/b">x</a>')
  })
  const { body, headers } = await call('GET', `${ns}/pods/web/proxy/page`)
  expect(body).toBe(`<a href="${ns}/pods/web/proxy/b">x</a>`)
  expect(headers['content-length']).toBeUndefined()
  expect((await call('GET', `${ns}/pods/web/proxy/text`)).body).toBe('<a href="/b">x</a>')
})

test('whoever asks keeps his credentials from the pod', async () => {
  const { call } = await setUp()
  const secret = {
    authorization: 'Bearer secret',
    'x-remote-user': 'root',
    te: 'x',
    cookie: 'c=1',
  }
  const { body } = await call('GET', `${ns}/pods/web/proxy/`, undefined, {
    ...secret,
    connection: 'x-mine',
    'x-mine': '1',
    accept: 'a/b',
  })
  expect(Object.keys(body.headers).sort()).toEqual([
    'accept',
    'connection',
    'cookie',
    'host',
    'x-forwarded-proto',
    'x-forwarded-uri',
  ])
})

test.each(['127.0.0.1', '169.254.169.254', '::1', ''])(
  'a pod that says it is at %j leads nowhere (CVE-2020-8562)',
  async ip => {
    const { call, pod, dialled } = await setUp()
    await pod('liar', ip)
    expect((await call('GET', `${ns}/pods/liar/proxy/`)).body).toMatchObject({
      reason: 'BadRequest',
      message: 'address not allowed',
    })
    expect(dialled).toEqual([])
  },
)

test('a node that says it is this machine is asked at its agent only (CVE-2022-3294)', async () => {
  const asked: string[] = []
  const nodes = {
    open({ host, port }: { host: string; port: number }, { path }: { path: string }) {
      asked.push(`${host}:${port}${path}`)
      return Promise.reject(new Error('down'))
    },
  }
  const { call, dialled } = await setUp(echo, { nodes })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
  }
  await call('POST', '/api/v1/nodes', { kind: 'Node', apiVersion: 'v1', metadata: { name: 'n' }, status })
  expect((await call('GET', '/api/v1/nodes/n:6443/proxy/api/v1/secrets')).body.message).toBe('address not allowed')
  expect((await call('GET', '/api/v1/nodes/n/proxy/logs/?a=b')).body.message).toContain('down')
  expect([asked, dialled]).toEqual([['127.0.0.1:10250/logs/?a=b'], []])
})

test('a backend that is not there is 503, a service without endpoints too', async () => {
  const { call, outside } = await setUp()
  await outside[Symbol.asyncDispose]()
  expect(await call('GET', `${ns}/pods/web/proxy/`)).toMatchObject({
    status: 503,
    body: { message: expect.stringContaining('error trying to reach service: dial tcp 10.244.0.7') },
  })
  await call('DELETE', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/svc-1')
  expect(await call('GET', `${ns}/services/svc/proxy/`)).toMatchObject({
    status: 503,
    body: { message: 'no endpoints available for service "svc"' },
  })
})

test.each([
  ['services/gone/proxy', 404, 'services "gone" not found'],
  ['services/ftp:svc:80/proxy', 400, 'invalid service request "ftp:svc:80"'],
  ['services/svc:99/proxy', 503, 'no service port 99 found for service "svc"'],
  ['pods/gone:80/proxy', 404, 'pods "gone" not found'],
  ['pods/a:b:c:d/proxy', 400, 'invalid pod request "a:b:c:d"'],
])('who is not there is not there without a slash either: %s', async (target, code, message) => {
  const { call } = await setUp()
  expect(await call('GET', `${ns}/${target}`)).toMatchObject({ status: code, body: { code, message } })
})

test('a body of any size is passed on while it comes', async () => {
  const { server, outside } = await setUp((_request, response, body) => void response.end(String(body.length)))
  const listening = await server.api.listen({ host: '127.0.0.1', port: 0 })
  const request = httpRequest(`${listening.url}${ns}/services/svc/proxy/up`, {
    method: 'POST',
    headers: { authorization: 'Bearer secret' },
  })
  const began = once(outside.server, 'request')
  request.write(Buffer.alloc(4 << 20))
  await began
  request.end('end')
  const [reply] = await once(request, 'response')
  const [text] = await once(reply, 'data')
  expect(String(text)).toBe(String((4 << 20) + 3))
})

test('nothing is tunnelled before the backend has switched (CVE-2018-1002105, CVE-2020-8559)', async () => {
  const { server, outside } = await setUp(
    (_request, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('no'),
  )
  const listening = await server.api.listen({ host: '127.0.0.1', port: 0 })
  const upgrade = async (target: string) => {
    const socket = connect(listening.port, '127.0.0.1')
    socket.write(
      `GET ${ns}/${target}/proxy/ws HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`,
    )
    return { socket, first: String((await once(socket, 'data'))[0]) }
  }
  const refused = await upgrade('pods/web')
  expect(refused.first).toMatch(/^HTTP\/1\.1 302 /)
  refused.socket.write('GET /api/v1/secrets HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(refused.socket, 'close')
  outside.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n')
    socket.on('data', (chunk: Buffer) => socket.write(`got ${chunk}`))
    socket.on('end', () => socket.end())
  })
  const { socket, first } = await upgrade('pods/web')
  expect(first).toMatch(/^HTTP\/1\.1 101 /)
  socket.write('hello')
  expect(String((await once(socket, 'data'))[0])).toBe('got hello')
  socket.destroy()
})
