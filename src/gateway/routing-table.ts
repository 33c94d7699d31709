/** All that the proxy needs to know, as plain data: made anew when something changes, never changed in place. */
export interface RoutingTable {
  /** By host: `shop.example.com`, `*.example.com`, or '' for all others. */
  hosts: ReadonlyMap<string, readonly PathRoute[]>
  /** For what no route matches. */
  fallback: Backend | undefined
  /** By host, as in `hosts`. */
  certificates: ReadonlyMap<string, Certificate>
}

export interface PathRoute {
  type: 'Exact' | 'Prefix'
  /** Without a trailing slash; '' is the root. */
  path: string
  backend: Backend
  /** Plain requests are sent to https. */
  redirectToTls: boolean
}

export interface Backend {
  /** `default/web:80`, for people and for balancing. */
  name: string
  endpoints: readonly Endpoint[]
  /** Why there is no endpoint. */
  problem?: string
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

export const emptyTable: RoutingTable = { hosts: new Map(), fallback: undefined, certificates: new Map() }

/** The route of a request: the exact host before a wildcard before any, then the longest path, exact before prefix. */
export function routeOf(table: RoutingTable, host: string, path: string): PathRoute | undefined {
  for (const name of namesOf(host)) {
    const route = table.hosts.get(name)?.find(candidate => matches(candidate, path))
    if (route) return route
  }
  return undefined
}

/** The certificate for a server name, by the same rule as for hosts. */
export function certificateOf(table: RoutingTable, host: string): Certificate | undefined {
  for (const name of namesOf(host)) {
    const found = table.certificates.get(name)
    if (found) return found
  }
  return undefined
}

/** A wildcard stands for exactly one label. */
function namesOf(host: string): string[] {
  const name = host.toLowerCase()
  const dot = name.indexOf('.')
  return dot > 0 ? [name, `*${name.slice(dot)}`, ''] : [name, '']
}

/** A prefix matches whole elements: `/a` matches `/a` and `/a/b`, not `/ab`. */
function matches({ type, path }: PathRoute, asked: string): boolean {
  if (type === 'Exact') return asked === path
  return path === '' || asked === path || asked.startsWith(`${path}/`)
}

/** Puts routes of one host in the order in which they are tried. */
export function inOrder(routes: readonly PathRoute[]): PathRoute[] {
  return [...routes].sort((a, b) => b.path.length - a.path.length || rank(a) - rank(b))
}

const rank = (route: PathRoute) => (route.type === 'Exact' ? 0 : 1)
