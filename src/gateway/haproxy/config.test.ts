import { expect, test } from 'vitest'
import type { Route, RouteAction } from '../routing-table.ts'
import { haproxyConfig } from './config.ts'
import { haproxyEngine } from './gaps.ts'

const backend = {
  name: 'b',
  endpoints: [
    { ip: '10.0.0.1', port: 80 },
    { ip: 'fd00::1', port: 80 },
  ],
}
const action = (more: Partial<RouteAction> = {}): RouteAction => ({
  route: 'r',
  backends: [{ weight: 1, backend }],
  ...more,
})
function linesOf(host: string, match: Partial<Route['match']>, more: Partial<RouteAction> = {}): string[] {
  const hosts = new Map([
    [host, [{ match: { path: { type: 'Prefix' as const, path: '/a' }, ...match }, action: action(more) }]],
  ])
  return haproxyConfig({
    table: { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) },
    addresses: new Map([[80, { host: '0.0.0.0', port: 8080 }]]),
    ...{ answers: new Map(), certificateList: () => '', socket: '/s', user: undefined },
  }).split('\n')
}

test('whatever a user writes stays one word: no directive can be slipped in', () => {
  const evil = `'x\n  http-request deny # %[src]`
  const lines = linesOf(
    'a.test',
    { headers: [{ name: 'x', exact: evil, test: () => true }] },
    {
      route: evil,
      rewrite: { hostname: evil, path: { full: evil } },
      requestHeaders: { set: { 'x-a': evil } },
    },
  )
  expect(lines.filter(line => line.trim().startsWith('http-request deny'))).toEqual([])
  expect(lines).toContain(`  http-request set-header x-a ''\\''x   http-request deny # %%[src]'`)
  expect(lines).toContain(`  http-request set-header Host ''\\''x   http-request deny # %%[src]'`)
})

test('a guard that cannot be carried out closes the route, and so do two limits', () => {
  const rateLimit = { perSecond: 1, burst: 1, by: 'Client' as const }
  for (const guards of [
    [{ id: 'a', broken: 'no' }],
    [
      { id: 'a', rateLimit },
      { id: 'b', rateLimit },
    ],
  ]) {
    const lines = linesOf('a.test', {}, { policy: { guards } })
    expect(lines.slice(lines.indexOf('backend route-80-0') + 1, -1)).toEqual(['  http-request return status 500'])
  }
})

test('a port on which nothing is looked at is one of TCP', () => {
  const to = { route: 'TCPRoute default/x\n  bind', backends: [{ weight: 1, backend }] }
  const text = haproxyConfig({
    table: { ports: new Map([[9000, { secure: false, hosts: new Map(), certificates: new Map(), asItIs: { to } }]]) },
    addresses: new Map([[9000, { host: '::', port: 9000 }]]),
    ...{ answers: new Map(), certificateList: () => '', socket: '/s', user: undefined },
  })
  const lines = text.split('\n')
  expect(lines.slice(lines.indexOf('listen port-9000 # TCPRoute default/x_  bind')).slice(1, 8)).toEqual([
    '  mode tcp',
    '  bind [::]:9000',
    '  timeout client 24h',
    '  timeout server 24h',
    '  balance leastconn',
    '  server 10.0.0.1-80 10.0.0.1:80 weight 256',
    '  server fd00__1-80 [fd00::1]:80 weight 256',
  ])
})

test('what HAProxy cannot do is said', () => {
  const gap = (more: Partial<RouteAction>, match?: Route['match']) =>
    haproxyEngine.cannot({ action: action(more), ...(match ? { match } : {}) })
  expect(gap({})).toBeUndefined()
  expect(gap({ mirrors: [{ backend, fraction: 1 }] })).toBe('the HAProxy engine has no mirroring')
  expect(gap({ policy: { guards: [{ id: 'g', basic: { realm: 'r', credentials: new Set() } }] } })).toContain(
    'authentication',
  )
  const pattern = (path: string): Route['match'] => ({ path: { type: 'Pattern', path, test: () => true } })
  expect(gap({}, pattern('/r[0-9]+/\\d*'))).toBeUndefined()
  expect(gap({}, pattern('/\\pN'))).toBe('the HAProxy engine has no pattern such as /\\pN')
})
