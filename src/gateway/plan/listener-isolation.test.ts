import { expect, test } from 'vitest'
import type { Service } from '../../models/kinds/index.ts'
import type { Gateway, HTTPRoute } from '../kinds/index.ts'
import { routeOf } from '../routing-table.ts'
import { attach } from './attachments.ts'
import { embeddedEngine } from './engine.ts'
import { tableOf } from './table.ts'

const listener = (name: string, hostname?: string) => ({
  ...{ name, port: 80, protocol: 'HTTP' },
  ...(hostname ? { hostname } : {}),
})
const gateway = (name: string, listeners: object[]) =>
  ({ metadata: { namespace: 'default', name, creationTimestamp: '1' }, spec: { listeners } }) as unknown as Gateway
const route = (name: string, parent: { name: string; sectionName?: string }, hostnames: string[] = []) =>
  ({
    metadata: { namespace: 'default', name, creationTimestamp: '2' },
    spec: {
      ...{ parentRefs: [parent], hostnames },
      rules: [{ matches: [{ path: { value: `/${name}` } }], backendRefs: [{ name: 'web', port: 80 }] }],
    },
  }) as unknown as HTTPRoute

function serving(gateways: Gateway[], httpRoutes: HTTPRoute[]) {
  const attached = attach({
    ...{ gateways, httpRoutes, grpcRoutes: [], tlsRoutes: [], tcpRoutes: [], udpRoutes: [], grants: [] },
    policies: { planned: [], of: () => undefined },
    ...{ namespace: () => undefined, portTaken: () => undefined, secret: () => undefined, slices: () => [] },
    engine: embeddedEngine,
    service: () => ({ metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } }) as unknown as Service,
  })
  const table = tableOf({ hosts: new Map(), certificates: new Map(), fallback: undefined }, attached, false)
  const paths = httpRoutes.map(({ metadata }) => metadata.name)
  return (host: string) =>
    paths.filter(path =>
      routeOf(table.ports.get(80), {
        host,
        path: `/${path}`,
        method: 'GET',
        headers: {},
        query: new URLSearchParams(),
      }),
    )
}

const four = [
  listener('any'),
  listener('wide', '*.example.com'),
  listener('foo', '*.foo.example.com'),
  listener('exact', 'abc.foo.example.com'),
]

test("a request is for the listener of a Gateway whose name says most, and gets no route of the Gateway's others", () => {
  const at = serving(
    [gateway('g', four)],
    four.map(({ name }) => route(name, { name: 'g', sectionName: name })),
  )
  expect(at('bar.com')).toEqual(['any'])
  expect(at('bar.example.com')).toEqual(['wide'])
  expect(at('bar.foo.example.com')).toEqual(['foo'])
  expect(at('ABC.foo.example.com')).toEqual(['exact'])
})

test('that holds where the names are those of routes, and a route of several listeners has each of them', () => {
  const hosts = ['abc.foo.example.com', '*.foo.example.com', '*.example.com', 'other.org']
  const at = serving(
    [gateway('g', four)],
    [
      route('any', { name: 'g', sectionName: 'any' }, hosts),
      route('foo', { name: 'g', sectionName: 'foo' }, hosts),
      route('all', { name: 'g' }),
    ],
  )
  expect(at('other.org')).toEqual(['any', 'all'])
  expect(at('bar.example.com')).toEqual(['all'])
  expect(at('bar.foo.example.com')).toEqual(['foo', 'all'])
  expect(at('abc.foo.example.com')).toEqual(['all'])
})

test('listeners of other Gateways, and of other ports, take nothing away', () => {
  const elsewhere = { ...listener('far', 'bar.com'), port: 8080 }
  const at = serving(
    [gateway('g', [listener('any'), elsewhere]), gateway('h', [listener('narrow', 'bar.com')])],
    [route('wide', { name: 'g' }), route('narrow', { name: 'h' })],
  )
  expect(at('bar.com')).toEqual(['wide', 'narrow'])
})
