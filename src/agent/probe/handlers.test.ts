import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../base/clock.ts'
import { systemNet } from '../../base/net.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { ask, type Question, tellByHttp } from './handlers.ts'

let http: Server
let port: number
let grpc: GrpcServer
let grpcPort: number
const seen: Record<string, unknown>[] = []
/** The service that never answers has been asked. */
let askedInVain: () => void
const asked = new Promise<void>(resolve => {
  askedInVain = resolve
})

beforeAll(async () => {
  http = createServer((request, response) => {
    seen.push(request.headers)
    const url = request.url!
    if (url === '/slow') return
    if (url === '/moved') response.writeHead(302, { location: '/ok' }).end()
    else if (url === '/elsewhere')
      response.writeHead(302, { location: 'http://other.example/', 'content-length': 5 }).end('Found')
    else response.writeHead(url.startsWith('/ok') ? 200 : 503).end('body')
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  port = (http.address() as AddressInfo).port
  grpc = new GrpcServer()
  const identity = (bytes: Buffer) => bytes
  grpc.addService(
    {
      Check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    {
      Check(call: { request: Buffer }, reply: (error: null, bytes: Buffer) => void) {
        const service = call.request.subarray(2).toString()
        if (service === 'silent') askedInVain()
        else reply(null, Buffer.from([8, service === 'sick' ? 2 : 1]))
      },
    },
  )
  grpcPort = await new Promise((resolve, reject) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
})

afterAll(() => {
  http.closeAllConnections()
  http.close()
  grpc.forceShutdown()
})

const runtime = {
  exec: async (_: string, command: string[]) => ({
    exitCode: command[0] === 'true' ? 0 : 1,
    stdout: 'out',
    stderr: 'err',
    timedOut: command[0] === 'sleep',
  }),
} as unknown as Runtime

const put = (question: Question, clock: Clock = systemClock) =>
  ask(
    { runtime, net: systemNet, clock },
    question,
    { container: { name: 'web', ports: [{ name: 'main', containerPort: port }] }, id: 'c', podIp: '127.0.0.1' },
    500,
  )

describe('a probe over http', () => {
  it('does not follow to another host: it passes, with a warning', async () => {
    expect(await put({ httpGet: { port, path: '/elsewhere' } })).toEqual({
      ok: true,
      output: '',
      warning: 'Probe terminated redirects, Response body: Found',
    })
  })

  it.each([
    ['/ok', true, ''],
    ['ok?x=1', true, ''],
    ['/moved', true, ''],
    ['/bad', false, 'HTTP probe failed with statuscode: 503'],
  ])('of %s: %s', async (path, ok, output) => {
    expect(await put({ httpGet: { port: 'main', path } })).toEqual({ ok, output })
  })

  it('says what went wrong below http', async () => {
    expect((await put({ httpGet: { port, path: '/slow' } })).output).toMatch(
      /^Get "http:\/\/127\.0\.0\.1:\d+\/slow": no answer/,
    )
    expect((await put({ httpGet: { port: 1, path: '/' } })).output).toMatch(/ECONNREFUSED/)
    expect(await put({ httpGet: { port: 'nope' } })).toEqual({
      ok: false,
      output: 'container web has no port named "nope"',
    })
  })

  it('sends the headers asked for', async () => {
    seen.length = 0
    await put({
      httpGet: {
        port,
        path: '/ok',
        httpHeaders: [
          { name: 'Host', value: 'me' },
          { name: 'X-A', value: 'b' },
        ],
      },
    })
    expect(seen[0]).toMatchObject({ host: 'me', 'x-a': 'b', 'user-agent': 'kube-probe/1.32' })
  })
})

describe('a hook over http', () => {
  const target = { container: { name: 'web' }, id: 'c', podIp: '127.0.0.1' }
  const tell = (path: string, scheme: 'HTTP' | 'HTTPS' = 'HTTP', to = port) => {
    const httpHeaders = [{ name: 'Authorization', value: 'Bearer t' }]
    return tellByHttp(systemNet, { port: to, path, scheme, httpHeaders }, target, 500)
  }

  it('has told the container whatever that answers, and follows to the same host', async () => {
    seen.length = 0
    for (const path of ['/ok', '/bad', '/moved', '/elsewhere']) expect(await tell(path), path).toBeUndefined()
    expect(seen).toHaveLength(5)
    expect(seen[0]).toMatchObject({ 'user-agent': 'kube-lifecycle/1.32', authorization: 'Bearer t' })
    await expect(tell('/slow')).rejects.toThrow(/no answer/)
    await expect(tell('/ok', 'HTTP', 1)).rejects.toThrow(/ECONNREFUSED/)
  })

  it('by HTTPS to one who speaks HTTP is told by that, without credentials', async () => {
    seen.length = 0
    expect(await tell('/ok', 'HTTPS')).toBe(`127.0.0.1:${port}`)
    expect(seen.map(({ authorization }) => authorization)).toEqual([undefined])
    await expect(tell('/ok', 'HTTPS', 1)).rejects.toThrow(/ECONNREFUSED/)
  })
})

it('a probe over tcp passes when something listens', async () => {
  expect((await put({ tcpSocket: { port } })).ok).toBe(true)
  expect((await put({ tcpSocket: { port: 1 } })).ok).toBe(false)
})

it('a probe by command passes when it ends with 0 in time', async () => {
  expect(await put({ exec: { command: ['true'] } })).toEqual({ ok: true, output: 'outerr' })
  expect(await put({ exec: { command: ['false'] } })).toEqual({ ok: false, output: 'outerr' })
  expect((await put({ exec: { command: ['sleep', '9'] } })).output).toMatch(/timed out after 0.5s/)
})

it('a probe over gRPC passes when the service says that it serves', async () => {
  expect(await put({ grpc: { port: grpcPort } })).toEqual({ ok: true, output: '' })
  expect(await put({ grpc: { port: grpcPort, service: 'sick' } })).toEqual({
    ok: false,
    output: 'service unhealthy (responded with "NOT_SERVING")',
  })
  expect((await put({ grpc: { port: 1 } })).ok).toBe(false)
})

it('a probe over gRPC has its time by the clock that the agent was given', async () => {
  const clock = new VirtualClock()
  const answer = put({ grpc: { port: grpcPort, service: 'silent' } }, clock)
  await asked
  await clock.advance(500)
  expect(await answer).toEqual({ ok: false, output: 'timeout: health rpc did not complete within 0.5s' })
})
