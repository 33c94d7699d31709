import type { Cors } from './cors.ts'
import type { Headers } from './headers.ts'
import type { Policy } from './policy/policy.ts'

/** All that the proxy needs to know, as plain data: made anew when something changes, never changed in place. */
export interface RoutingTable {
  /** By the place (see port-space.ts) of the port that a listener names: 80 and 443, which may really be others, and any that Gateways ask for. */
  ports: ReadonlyMap<number, PortRoutes>
}

/** What is served on one port. */
export interface PortRoutes {
  /** TLS is ended here. */
  secure: boolean
  /** By host: `shop.example.com`, `*.example.com`, or '' for all others. */
  hosts: ReadonlyMap<string, readonly Route[]>
  /** For what no route matches. */
  fallback?: RouteAction | undefined
  /** By host, as in `hosts`. */
  certificates: ReadonlyMap<string, Certificate>
  /** By host: connections whose TLS is not ended here. */
  passthrough?: ReadonlyMap<string, Passthrough>
  /** All that comes is led there as it is, connections or packets, or nowhere yet: nothing else is served on the port. */
  asItIs?: { to?: Passthrough }
}

/** Where a connection, or the packets of a client, go as they are. */
export interface Passthrough {
  route: string
  backends: readonly WeightedBackend[]
}

export interface Route {
  match: RouteMatch
  action: RouteAction
}

export interface RouteMatch {
  path: PathMatch
  /** Absent: any. */
  method?: string
  headers?: readonly ValueTest[]
  query?: readonly ValueTest[]
  /** A wildcard host stands for exactly one label, as in an Ingress; otherwise for one or more. */
  oneLabel?: boolean
  /** Names that it has not, though its host includes them: `shop.example.com`, `*.example.com`. */
  exceptHosts?: readonly string[]
}

export type PathMatch =
  /** `path` has no trailing slash if it is a prefix; '' is the root. */
  { type: 'Exact' | 'Prefix'; path: string } | { type: 'Pattern'; path: string; test(path: string): boolean }

export interface ValueTest {
  name: string
  /** What `test` goes by, for engines that do not call it: one of both. */
  exact?: string
  pattern?: string
  test(value: string): boolean
}

/** What becomes of a request that matches. */
export interface RouteAction {
  /** Whose rule it is, for people: `Ingress default/shop`. */
  route: string
  policy?: Policy
  backends: readonly WeightedBackend[]
  redirect?: Redirect
  /** Plain requests are sent to https, if it is served at all. */
  redirectToTls?: boolean
  requestHeaders?: HeaderChange
  responseHeaders?: HeaderChange
  rewrite?: Rewrite
  mirrors?: readonly Mirror[]
  cors?: Cors
  /** For the whole request. */
  requestMs?: number
  /** Until a backend has answered. */
  backendMs?: number
}

export interface WeightedBackend {
  /** > 0. */
  weight: number
  backend: Backend
  requestHeaders?: HeaderChange
  responseHeaders?: HeaderChange
}

export interface Redirect extends Rewrite {
  scheme?: 'http' | 'https'
  port?: number
  status: number
}

export interface Rewrite {
  hostname?: string
  path?: { full: string } | { prefix: string; by: string }
}

export interface HeaderChange {
  set?: Headers
  add?: Headers
  remove?: readonly string[]
}

export interface Mirror {
  backend: Backend
  /** Of requests; 1: all. */
  fraction: number
}

export interface Backend {
  /** `default/web:80`, for people and for balancing. */
  name: string
  endpoints: readonly Endpoint[]
  /** Why there is no endpoint. */
  problem?: string
  /** It was named wrongly: an error of the configuration (500), not of the moment (503). */
  wrong?: boolean
  /** HTTP/2 without TLS is spoken to it, as gRPC needs; otherwise HTTP/1.1. */
  h2c?: boolean
  /** Those of its endpoints that get just this part of the requests, in percent. */
  canary?: { name: string; percent: number; endpoints: readonly Endpoint[] }
}

export interface Endpoint {
  ip: string
  port: number
}

/** PEM. */
export interface Certificate {
  cert: string
  key: string
}

export const emptyTable: RoutingTable = { ports: new Map() }

/** What of a request decides its route. */
export interface Question {
  /** Without the port. */
  host: string
  path: string
  method: string
  headers: Record<string, string | string[] | undefined>
  query: URLSearchParams
}

/** The route of a request: the exact host before a wildcard before any, then in the order of `inOrder`. */
export function routeOf(routes: PortRoutes | undefined, question: Question): Route | undefined {
  if (!routes) return undefined
  const host = question.host.toLowerCase()
  const exact = routes.hosts.get(host)?.find(({ match }) => matches(match, question))
  if (exact) return exact
  const [, ...wider] = namesOf(host)
  for (const [index, name] of wider.entries()) {
    const route = routes.hosts
      .get(name)
      ?.find(({ match }) => !(match.oneLabel && index > 0 && name !== '') && matches(match, question))
    if (route) return route
  }
  return undefined
}

/** The certificate for a server name, by the same rule as for hosts. */
export function certificateOf(routes: PortRoutes | undefined, host: string): Certificate | undefined {
  for (const name of namesOf(host)) {
    const found = routes?.certificates.get(name)
    if (found) return found
  }
  return undefined
}

/** Where connections for a server name go as they are. */
export function passthroughOf(routes: PortRoutes | undefined, name: string): Passthrough | undefined {
  if (!routes?.passthrough?.size) return undefined
  for (const host of namesOf(name)) {
    // A name whose TLS is ended here comes before a wider one that passes it on.
    if (routes.hosts.has(host) || routes.certificates.has(host)) return undefined
    const found = routes.passthrough.get(host)
    if (found) return found
  }
  return undefined
}

const none: readonly ValueTest[] = []

/** `a.b.c`, `*.b.c`, `*.c`, and '' for any. */
function namesOf(host: string): string[] {
  const name = host.toLowerCase()
  const names = [name]
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) names.push(`*${name.slice(dot)}`)
  return [...names, '']
}

function matches({ path, method, headers = none, query = none, exceptHosts }: RouteMatch, asked: Question): boolean {
  return (
    matchesPath(path, asked.path) &&
    !exceptHosts?.some(host => isHost(host, asked.host.toLowerCase())) &&
    (method === undefined || method === asked.method) &&
    headers.every(({ name, test }) => {
      const value = asked.headers[name]
      return value !== undefined && test([value].flat().join(','))
    }) &&
    query.every(({ name, test }) => {
      const value = asked.query.get(name)
      return value !== null && test(value)
    })
  )
}

const isHost = (host: string, asked: string) => (host.startsWith('*.') ? asked.endsWith(host.slice(1)) : asked === host)

/** A prefix matches whole elements: `/a` matches `/a` and `/a/b`, not `/ab`. */
function matchesPath(match: PathMatch, asked: string): boolean {
  if (match.type === 'Pattern') return match.test(asked)
  const { path } = match
  if (match.type === 'Exact') return asked === path
  return path === '' || asked === path || asked.startsWith(`${path}/`)
}

/** Hosts in the order in which they are tried: exact names, wildcards from the longest, any. */
export function inTurn<T>(hosts: ReadonlyMap<string, T>): [string, T][] {
  const width = (host: string) => (host === '' ? 2 : host.startsWith('*.') ? 1 : 0)
  return [...hosts].sort(([a], [b]) => width(a) - width(b) || b.length - a.length)
}

const rank = { Exact: 0, Pattern: 1, Prefix: 2 }

/**
 * Puts routes of one host in the order in which they are tried: exact paths, patterns, prefixes; longer ones first; then
 * those that ask for a method, for more headers, for more parameters; then as they came.
 */
export function inOrder(routes: readonly Route[]): Route[] {
  const size = (list: readonly unknown[] | undefined) => list?.length ?? 0
  return [...routes].sort(
    ({ match: a }, { match: b }) =>
      rank[a.path.type] - rank[b.path.type] ||
      b.path.path.length - a.path.path.length ||
      (b.method ? 1 : 0) - (a.method ? 1 : 0) ||
      size(b.headers) - size(a.headers) ||
      size(b.query) - size(a.query),
  )
}
