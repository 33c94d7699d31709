import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenWeb, type WebServer } from '../base/web-server.ts'
import type { Cors } from './cors.ts'
import { httpRoutes } from './plan/rules.ts'
import { GatewayProxy } from './proxy.ts'

const at = { port: 80, realPort: 8080, secure: false }
const proxy = new GatewayProxy({
  ...{ clock: systemClock, random: systemRandom, net: systemNet, log: silentLogger },
  securePort: () => undefined,
})
let front: WebServer
let backend: http.Server
let reached = 0

beforeAll(async () => {
  backend = http.createServer((_, response) => {
    reached++
    // It has an opinion of its own, which does not count.
    response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-methods', 'DELETE')
    response.setHeader('vary', 'Accept').end('hello')
  })
  await new Promise<void>(done => backend.listen(0, '127.0.0.1', done))
  front = await listenWeb({
    ...{ host: '127.0.0.1', port: 0, onUpgrade: (_request, socket) => socket.destroy() },
    onRequest: (request, response) => void proxy.serve(request, response, at),
  })
})
afterAll(async () => {
  await front.close(0)
  await proxy[Symbol.asyncDispose]()
  backend.closeAllConnections()
  backend.close()
})

/** @returns the status and the headers that are about other origins */
async function ask(cors: Partial<Cors>, method: string, headers: Record<string, string>, guarded = false) {
  const whole = { origins: [], credentials: false, methods: [], headers: [], exposed: [], maxAge: 5, ...cors }
  const endpoints = [{ ip: '127.0.0.1', port: (backend.address() as AddressInfo).port }]
  const action = {
    ...{ route: 'HTTPRoute default/web', cors: whole, backends: [{ weight: 1, backend: { name: 'b', endpoints } }] },
    ...(guarded ? { policy: { guards: [{ id: 'x', broken: 'nobody' }] } } : {}),
  }
  const match = { path: { type: 'Prefix' as const, path: '' } }
  const hosts = new Map([['', [{ match, action }]]])
  proxy.table = { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) }
  reached = 0
  return new Promise<{ status: number; told: Record<string, unknown> }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: front.port, agent: false, method, headers }
    const request = http.request(options, response => {
      const told = Object.entries(response.headers).filter(([n]) => n.startsWith('access-control') || n === 'vary')
      response.resume().on('end', () => resolve({ status: response.statusCode!, told: Object.fromEntries(told) }))
    })
    request.on('error', reject).end()
  })
}

const app = 'https://app.example'
const preflight = { origin: app, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a,x-b' }

test('a browser that asks beforehand is answered by the gateway, whoever guards the route', async () => {
  const cors = { origins: [app], methods: ['PUT', 'DELETE'], headers: ['x-a', 'x-b'], maxAge: 60 }
  expect(await ask(cors, 'OPTIONS', preflight, true)).toEqual({
    status: 204,
    told: {
      'access-control-allow-origin': app,
      'access-control-allow-methods': 'PUT, DELETE',
      'access-control-allow-headers': 'x-a, x-b',
      'access-control-max-age': '60',
      vary: 'Origin',
    },
  })
  expect(reached).toBe(0)
})

test('everything is allowed to everybody by stars, and beside credentials by what was asked for', async () => {
  const stars = { origins: ['*'], methods: ['*'], headers: ['*'] }
  expect((await ask(stars, 'OPTIONS', preflight)).told).toEqual({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': '*',
    'access-control-allow-headers': '*',
    'access-control-max-age': '5',
  })
  expect((await ask({ ...stars, credentials: true }, 'OPTIONS', preflight)).told).toEqual({
    'access-control-allow-origin': app,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'PUT',
    'access-control-allow-headers': 'x-a,x-b',
    'access-control-max-age': '5',
    vary: 'Origin',
  })
})

test('a page of another origin is told nothing, beforehand or with the answer', async () => {
  const cors = { origins: [app], credentials: true, exposed: ['x-total'] }
  const stranger = { ...preflight, origin: 'https://evil.example' }
  expect(await ask(cors, 'OPTIONS', stranger)).toEqual({ status: 204, told: { vary: 'Origin' } })
  expect(await ask(cors, 'GET', { origin: stranger.origin })).toEqual({ status: 200, told: { vary: 'Accept, Origin' } })
  expect(await ask(cors, 'GET', {})).toEqual({ status: 200, told: { vary: 'Accept, Origin' } })
})

test('an answer says who may see it, a refusal too, and the backend’s own word is dropped', async () => {
  const cors = { origins: [app], credentials: true, exposed: ['x-total', 'x-page'] }
  const told = {
    'access-control-allow-origin': app,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'x-total, x-page',
  }
  expect(await ask(cors, 'PUT', { origin: app })).toEqual({ status: 200, told: { ...told, vary: 'Accept, Origin' } })
  expect(await ask(cors, 'PUT', { origin: app }, true)).toEqual({ status: 500, told: { ...told, vary: 'Origin' } })
})

test('what asks for options and is no browser asking beforehand reaches the backend', async () => {
  await ask({ origins: [app] }, 'OPTIONS', { origin: app })
  expect(reached).toBe(1)
})

test.each([
  ['https://app.example', 'https://app.example:443', true],
  ['https://app.example:8443', 'https://app.example', false],
  ['https://app.example', 'http://app.example', false],
  ['https://*.example', 'https://a.b.example', true],
  ['https://*.example', 'https://example', false],
  ['https://*.example', 'https://evil-example', false],
  ['http://*', 'http://anything.test', true],
  ['http://*:8080', 'http://anything.test', false],
  ['https://app.example', 'null', false],
])('%s allows %s: %s', async (allowed, origin, yes) => {
  const { told } = await ask({ origins: [allowed] }, 'GET', { origin })
  expect(told['access-control-allow-origin']).toBe(yes ? origin : undefined)
})

test('a rule with the filter allows no more than it says; for a single backend it is refused', () => {
  const filter = { type: 'CORS', cors: { allowOrigins: [app], exposeHeaders: ['x-total'] } }
  const resolve = () => ({ name: 'default/web:80', endpoints: [] })
  expect(httpRoutes({ filters: [filter] }, resolve)[0]!.action.cors).toEqual({
    ...{ origins: [app], credentials: false, methods: [], headers: [], exposed: ['x-total'], maxAge: 5 },
  })
  expect(() => httpRoutes({ backendRefs: [{ name: 'web', filters: [filter] }] }, resolve)).toThrow(
    'URLRewrite, RequestRedirect and CORS are served in rules, not for single backends',
  )
})
