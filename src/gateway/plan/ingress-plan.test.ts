import { describe, expect, test } from 'vitest'
import type { EndpointSlice, Ingress, IngressClass, Secret, Service } from '../../models/kinds/index.ts'
import { certificateOf, routeOf as routeIn } from '../routing-table.ts'
import { embeddedEngine } from './engine.ts'
import { planIngresses } from './ingress-plan.ts'
import { tableOf } from './table.ts'

const classes = [
  {
    metadata: { name: 'optiflow', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'optiflow.dev/gateway' },
  },
  { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } },
] as unknown as IngressClass[]

const services: Record<string, Service> = Object.fromEntries(
  ['web', 'api', 'empty'].map(name => [
    name,
    { metadata: { name }, spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] } } as unknown as Service,
  ]),
)

const slices = (service: string, ...endpoints: object[]): EndpointSlice =>
  ({ metadata: { name: service }, addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints }) as any

const endpoints: Record<string, EndpointSlice[]> = {
  web: [slices('web', { addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'], conditions: { ready: false } })],
  api: [slices('api', { addresses: ['10.0.0.3'], conditions: { ready: false, serving: true, terminating: true } })],
}
const secret = { data: { 'tls.crt': btoa('CERT'), 'tls.key': btoa('KEY') } } as unknown as Secret

const backend = (name: string, port: object = { number: 80 }) => ({ service: { name, port } })
const path = (path: string, pathType: string, name: string) => ({ path, pathType, backend: backend(name) })
let born = 0
function ingress(spec: object, annotations: Record<string, string> = {}): Ingress {
  const creationTimestamp = new Date(1e12 + born++ * 1000).toISOString()
  return { metadata: { namespace: 'default', name: `i${born}`, creationTimestamp, annotations }, spec } as any
}

function plan(...ingresses: Ingress[]) {
  const planned = planIngresses({
    ingresses,
    classes,
    policies: { planned: [], of: () => undefined },
    engine: embeddedEngine,
    service: (_, name) => services[name],
    slices: (_, name) => endpoints[name] ?? [],
    secret: (_, name) => (name === 'tls' ? secret : undefined),
  })
  return tableOf(planned, { listeners: [], routes: [] }, false).ports.get(80)!
}

/** What becomes of a GET. */
function routeOf(table: ReturnType<typeof plan>, host: string, path: string) {
  const question = { host, path, method: 'GET', headers: {}, query: new URLSearchParams() }
  const action = routeIn(table, question)?.action
  return action && { ...action, backend: action.backends[0]!.backend }
}

const rule = (host: string | undefined, ...paths: object[]) => ({ ...(host ? { host } : {}), http: { paths } })

describe('routes of Ingresses', () => {
  test('the exact host comes before the wildcard, and that before no host; a wildcard is one label', () => {
    const table = plan(
      ingress({
        rules: [
          rule('*.example.com', path('/', 'Prefix', 'api')),
          rule('shop.example.com', path('/', 'Prefix', 'web')),
          rule(undefined, path('/any', 'Prefix', 'web')),
        ],
      }),
    )
    const names = (host: string, url: string) => routeOf(table, host, url)?.backend.name
    expect(names('shop.example.com', '/')).toBe('default/web:80')
    expect(names('SHOP.example.com', '/x')).toBe('default/web:80')
    expect(names('a.example.com', '/')).toBe('default/api:80')
    expect(names('a.b.example.com', '/')).toBeUndefined()
    expect(names('example.com', '/')).toBeUndefined()
    expect(names('else.where', '/any/x')).toBe('default/web:80')
  })

  test.each([
    ['/foo', 'Exact', '/foo', true],
    ['/foo', 'Exact', '/foo/', false],
    ['/foo/', 'Exact', '/foo', false],
    ['/', 'Prefix', '/whatever', true],
    ['/foo', 'Prefix', '/foo/', true],
    ['/foo/', 'Prefix', '/foo', true],
    ['/aaa/bb', 'Prefix', '/aaa/bbb', false],
    ['/aaa/bbb', 'Prefix', '/aaa/bbb/ccc', true],
    ['/aaa/bbb/', 'Prefix', '/aaa/bbb', true],
    ['/api', 'ImplementationSpecific', '/api/v1', true],
  ])('%s as %s and a request for %s: %s', (at, type, asked, matches) => {
    const table = plan(ingress({ rules: [rule('h', path(at, type, 'web'))] }))
    expect(routeOf(table, 'h', asked) !== undefined).toBe(matches)
  })

  test('the longest path wins, exact before prefix', () => {
    const table = plan(
      ingress({
        rules: [
          rule('h', path('/', 'Prefix', 'web'), path('/a/b', 'Prefix', 'api')),
          rule('h', path('/a/b', 'Exact', 'empty')),
        ],
      }),
    )
    expect(routeOf(table, 'h', '/a/b')?.backend.name).toBe('default/empty:80')
    expect(routeOf(table, 'h', '/a/b/c')?.backend.name).toBe('default/api:80')
    expect(routeOf(table, 'h', '/a')?.backend.name).toBe('default/web:80')
  })

  test('of two that say the same the older one wins', () => {
    const older = ingress({ rules: [rule('h', path('/', 'Prefix', 'web'))] })
    const newer = ingress({ rules: [rule('h', path('/', 'Prefix', 'api'))] })
    expect(routeOf(plan(newer, older), 'h', '/')?.backend.name).toBe('default/web:80')
  })

  test('only Ingresses of our class, or of none while ours is the default, are served', () => {
    const of = (ingressClassName: string | undefined, annotations = {}) =>
      routeOf(
        plan(
          ingress(
            { ...(ingressClassName ? { ingressClassName } : {}), rules: [rule('h', path('/', 'Prefix', 'web'))] },
            annotations,
          ),
        ),
        'h',
        '/',
      ) !== undefined
    expect([of(undefined), of('optiflow'), of('nginx'), of('unknown')]).toEqual([true, true, false, false])
    expect(of(undefined, { 'kubernetes.io/ingress.class': 'nginx' })).toBe(false)
  })

  test('ready endpoints are used; if there is none, those that serve while they end; else it is said why not', () => {
    const of = (name: string, port?: object) =>
      plan(ingress({ defaultBackend: backend(name, port) })).fallback?.backends[0]?.backend
    expect(of('web')?.endpoints).toEqual([{ ip: '10.0.0.1', port: 8080 }])
    expect(of('web', { name: 'http' })?.endpoints).toHaveLength(1)
    expect(of('api')?.endpoints).toEqual([{ ip: '10.0.0.3', port: 8080 }])
    expect(of('empty')?.problem).toBe('service "empty" has no ready endpoint')
    expect(of('nope')?.problem).toBe('there is no service "nope" in namespace "default"')
    expect(of('web', { number: 81 })?.problem).toBe('service "web" has no port 81')
  })

  test('a host with TLS has its certificate, and sends plain requests to https unless told otherwise', () => {
    const spec = {
      tls: [
        { hosts: ['*.example.com'], secretName: 'tls' },
        { hosts: ['x'], secretName: 'gone' },
      ],
      rules: [rule('*.example.com', path('/', 'Prefix', 'web'))],
    }
    const table = plan(ingress(spec))
    expect(certificateOf(table, 'a.example.com')).toEqual({ cert: 'CERT', key: 'KEY' })
    expect(certificateOf(table, 'x')).toBeUndefined()
    expect(routeOf(table, 'a.example.com', '/')?.redirectToTls).toBe(true)
    const stays = plan(ingress(spec, { 'optiflow.dev/ssl-redirect': 'false' }))
    expect(routeOf(stays, 'a.example.com', '/')?.redirectToTls).toBe(false)
  })
})
