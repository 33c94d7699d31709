import { expect, onTestFinished, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { loopbackNet, serviceObjects, startOutsideServer } from '../testing/outside-server.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { isProxyable } from './addresses.ts'
import { destinationUrl } from './destination.ts'

type Handler = Parameters<typeof startOutsideServer>[1]

/** Time passes only where a test lets it. */
async function setUp(handler: Handler, name = 'hook.default.svc', options: object = { clock: new VirtualClock(0) }) {
  const dialled: string[] = []
  const server = await startTestServer({ net: loopbackNet(dialled), ...options })
  const outside = await startOutsideServer(name, handler)
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]()
    await outside[Symbol.asyncDispose]()
  })
  for (const [url, object] of serviceObjects('hook', outside.port)) await server.call('POST', url, object)
  const destination = { service: { namespace: 'default', name: 'hook', path: '/x' }, caBundle: outside.caBundle }
  return { server, outside, dialled, destination }
}

const post = (server: TestServer, destination: object, options = {}) =>
  server.api.core.outgoing.post(destination, '{"a":1}', { timeoutMs: 1500, ...options })

test('a service is called at its ready endpoint, under its own name, and the connection is used again', async () => {
  const seen: object[] = []
  const sockets = new Set<unknown>()
  const { server, dialled, outside, destination } = await setUp((request, response, body) => {
    sockets.add(request.socket)
    seen.push({ method: request.method, url: request.url, host: request.headers.host, body: body.toString() })
    response.end('{"b":12345678901234567890}')
  })
  expect(await post(server, destination)).toEqual({ b: 12345678901234567890n })
  await post(server, destination)
  const call = { method: 'POST', url: '/x?timeout=2s', host: 'hook.default.svc', body: '{"a":1}' }
  expect(seen).toEqual([call, call])
  expect(dialled).toEqual([`10.244.0.9:${outside.port}`, `10.244.0.9:${outside.port}`])
  expect(sockets.size).toBe(1)
})

test('a certificate of an unknown authority, or for another name, is not believed', async () => {
  const { server, outside, destination } = await setUp(
    (_request, response) => void response.end('{}'),
    'other.default.svc',
  )
  await expect(post(server, { service: destination.service })).rejects.toThrow(
    'Post "https://hook.default.svc:443/x?timeout=2s": tls: failed to verify certificate: x509: certificate signed by unknown authority',
  )
  await expect(post(server, destination)).rejects.toThrow('x509: Hostname/IP does not match')
  await expect(
    post(server, { url: `https://127.0.0.1:${outside.port}/`, caBundle: outside.caBundle }),
  ).resolves.toEqual({})
})

test('a bundle may hold the certificate of the server itself instead of its authority', async () => {
  const { server, outside, destination } = await setUp((_request, response) => void response.end('{}'))
  const caBundle = Buffer.from(outside.cert).toString('base64')
  expect(await post(server, { ...destination, caBundle })).toEqual({})
})

test('a path is asked for without double and trailing slashes', async () => {
  const { server, outside, destination } = await setUp((request, response) =>
    response.end(JSON.stringify(request.url?.split('?')[0])),
  )
  const { caBundle } = destination
  const url = (path: string) => ({ url: `https://hook.default.svc:${outside.port}${path}`, caBundle })
  const service = (path: string) => ({ ...destination, service: { ...destination.service, path } })
  const asked = [service('//a/b/'), service('/'), service('c')]
  expect(await Promise.all(asked.map(d => post(server, d)))).toEqual(['/a/b', '/', '/c'])
  expect(destinationUrl(url('//failing'))).toBe(`https://hook.default.svc:${outside.port}/failing`)
})

test('a redirect is not followed', async () => {
  const { server, destination } = await setUp((request, response) => {
    if (request.url?.startsWith('/secret')) response.end('{"secret":true}')
    else response.writeHead(302, { location: '/secret' }).end()
  })
  await expect(post(server, destination)).rejects.toThrow(
    'the server answered 302 with a redirect, which is not followed',
  )
})

test('an answer without end, one that is too long and one that is no JSON are failures', async () => {
  const { server, destination } = await setUp((_request, response) => void response.end(`"${'x'.repeat(100)}`))
  await expect(post(server, destination, { maxBytes: 50 })).rejects.toThrow('the answer is longer than 50 bytes')
  await expect(post(server, destination)).rejects.toThrow('the answer is no JSON')
})

test('time is up when the clock says so, also in the middle of an answer', async () => {
  const clock = new VirtualClock(0)
  let asked: () => void = () => {}
  const came = new Promise<void>(resolve => (asked = resolve))
  const { server, destination } = await setUp(
    (_request, response) => {
      response.write('{')
      asked()
    },
    'hook.default.svc',
    { clock },
  )
  const failing = expect(post(server, destination)).rejects.toThrow(
    'Post "https://hook.default.svc:443/x?timeout=2s": context deadline exceeded',
  )
  await came
  await clock.advance(1500)
  await failing
})

test('a service that is missing, has no such port or no endpoint says so', async () => {
  const { server, destination } = await setUp((_request, response) => void response.end('{}'))
  const call = (service: object) => post(server, { ...destination, service: { ...destination.service, ...service } })
  await expect(call({ name: 'nobody' })).rejects.toThrow('services "nobody" not found')
  await expect(call({ port: 8443 })).rejects.toThrow('no service port 8443 found for service "hook"')
  await server.call('DELETE', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/hook-1')
  await expect(call({})).rejects.toThrow('no endpoints available for service "hook"')
})

test('nobody can send the server to itself, to its own machine or to metadata services', () => {
  const refused = [
    '127.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::FFFF:169.254.169.254',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:7f00:1',
    '0:0:0:0:0:FFFF:127.0.0.1',
    '0:0:0:0:0:0:0:1',
    // Of EndpointSlices of type FQDN, and of nodes.
    'localhost',
    'metadata.google.internal',
    '',
  ]
  expect(refused.filter(isProxyable)).toEqual([])
  const fine = ['10.244.0.9', '::ffff:10.0.0.1', '192.168.1.1', '8.8.8.8', 'fd00::1', '2001:db8::1']
  expect(fine.filter(isProxyable)).toEqual(fine)
})
