import { bracketed } from '../../base/ip.ts'
import type { Balancing, Policy, RateLimit } from '../policy/policy.ts'
import type { HeaderChange, Rewrite, Route, RouteAction } from '../routing-table.ts'
import { exactly, literal, quoted } from './words.ts'

/** Where the frontend stands. */
export interface Standing {
  match: Route['match'] | undefined
  secure: boolean
  /** The real port. */
  real: number
  securePort: number | undefined
}

const mostWeight = 256
const millis = (ms: number) => `${Math.max(Math.ceil(ms), 1)}ms`

/** What becomes of a request of one route: the lines of its backend. */
export function backendLines(action: RouteAction, standing: Standing): string[] {
  const { redirect, redirectToTls, policy, backends } = action
  if (redirect)
    return [
      ...pathLines(redirect),
      `  http-request redirect code ${redirect.status} location ${locationOf(redirect, standing)}`,
    ]
  const { secure, securePort } = standing
  if (redirectToTls && !secure && securePort !== undefined)
    return [
      `  http-request redirect code 308 location "https://%[var(txn.host)]${securePort === 443 ? '' : `:${securePort}`}%[pathq]"`,
    ]
  const guards = policy?.guards ?? []
  // There is one table of counters for a backend: of two limits (of a Gateway and of a route) none may be left out.
  if (guards.some(guard => guard.broken !== undefined) || guards.filter(guard => guard.rateLimit).length > 1)
    return ['  http-request return status 500']
  if (!backends.length || backends.every(({ backend }) => backend.wrong)) return ['  http-request return status 500']
  return [
    ...guardLines(policy),
    ...(action.rewrite?.hostname ? [`  http-request set-header Host ${literal(action.rewrite.hostname)}`] : []),
    ...pathLines(action.rewrite ?? {}),
    ...headerLines('request', action.requestHeaders),
    ...headerLines('response', action.responseHeaders),
    ...balanceLines(policy?.balancing),
    ...policyLines(action),
    ...serverLines(action),
  ]
}

function locationOf(
  { scheme, hostname, port }: NonNullable<RouteAction['redirect']>,
  { secure, real }: Standing,
): string {
  const asked = secure ? 'https' : 'http'
  const to = scheme ?? asked
  const usual = to === 'https' ? 443 : 80
  const at = port ?? (scheme ? usual : real)
  return `"${to}://${hostname ?? '%[var(txn.host)]'}${at === usual ? '' : `:${at}`}%[pathq]"`
}

function pathLines({ path }: Rewrite): string[] {
  if (!path) return []
  if ('full' in path)
    return [`  http-request set-path ${literal(path.full.startsWith('/') ? path.full : `/${path.full}`)}`]
  const { prefix, by } = path
  // The rest begins with a slash or is nothing; a path is never nothing.
  const rest = literal(`${by.replaceAll('\\', '\\\\')}\\1`)
  return [
    `  http-request replace-path ${quoted(`^${exactly(prefix)}(.*)$`)} ${rest}`,
    '  http-request set-path / if { path,length 0 }',
  ]
}

function headerLines(of: 'request' | 'response', change: HeaderChange | undefined): string[] {
  const { set = {}, add = {}, remove = [] } = change ?? {}
  const each = (verb: string, headers: typeof set) =>
    Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map(text => `  http-${of} ${verb} ${name} ${literal(text)}`),
    )
  return [
    ...each('set-header', set),
    ...each('add-header', add),
    ...remove.map(name => `  http-${of} del-header ${name}`),
  ]
}

function balanceLines(balancing: Balancing = { type: 'LeastRequests' }): string[] {
  switch (balancing.type) {
    case 'LeastRequests':
      return ['  balance leastconn']
    case 'RoundRobin':
      return ['  balance roundrobin']
    case 'SourceAddress':
      return ['  balance source', '  hash-type consistent']
    case 'Header':
      return [`  balance hdr(${balancing.name})`, '  hash-type consistent']
    case 'Cookie':
      return ['  balance leastconn', `  cookie ${balancing.name} insert indirect nocache httponly`]
  }
}

function policyLines({ policy, backendMs = policy?.backendMs }: RouteAction): string[] {
  const lines: string[] = []
  if (backendMs) lines.push(`  timeout server ${millis(backendMs)}`)
  if (policy?.retry) {
    const { attempts, statuses } = policy.retry
    const known = [...statuses].filter(status => [500, 501, 502, 503, 504].includes(status))
    lines.push(
      `  retries ${attempts - 1}`,
      `  retry-on conn-failure empty-response response-timeout ${known.join(' ')}`.trimEnd(),
    )
  }
  if (policy?.healthCheck) {
    const { path, timeoutMs } = policy.healthCheck
    lines.push(
      '  option httpchk',
      `  http-check send meth GET uri ${literal(path)}`,
      `  timeout check ${millis(timeoutMs)}`,
    )
  }
  return lines
}

/** HAProxy counts in a sliding window, without a burst of its own. */
function guardLines(policy: Policy | undefined): string[] {
  const limit = policy?.guards.find(guard => guard.rateLimit)?.rateLimit
  if (!limit) return []
  const { requests, perSeconds } = windowOf(limit)
  const { by } = limit
  const key = by === 'Client' ? 'src' : by === 'Route' ? 'int(0)' : `req.fhdr(${by.header})`
  const type = by === 'Client' ? 'ipv6' : by === 'Route' ? 'integer' : 'string len 128'
  return [
    `  stick-table type ${type} size 100k expire ${perSeconds}s store http_req_rate(${perSeconds}s)`,
    `  http-request track-sc0 ${key}`,
    `  http-request return status 429 content-type text/plain hdr Retry-After ${perSeconds} string 'too many requests' if { sc_http_req_rate(0) gt ${requests} }`,
  ]
}

function windowOf({ perSecond, burst }: RateLimit): { requests: number; perSeconds: number } {
  const perSeconds = Math.max(Math.round(burst / perSecond), 1)
  return { requests: Math.max(Math.round(perSecond * perSeconds), 1), perSeconds }
}

/** Each backend's weight is shared out among its endpoints. */
export function serverLines({ backends, policy }: Pick<RouteAction, 'backends' | 'policy'>): string[] {
  const shares = backends.flatMap(({ weight, backend }) =>
    backend.endpoints.map(endpoint => ({ endpoint, h2c: backend.h2c, share: weight / backend.endpoints.length })),
  )
  const largest = Math.max(...shares.map(({ share }) => share))
  const checked = policy?.healthCheck
  const check = checked
    ? ` check inter ${millis(checked.intervalMs)} fall ${checked.failureThreshold} rise ${checked.successThreshold}`
    : ''
  const sticky = policy?.balancing?.type === 'Cookie'
  return shares.map(({ endpoint: { ip, port }, h2c, share }) => {
    const weight = Math.max(Math.round((share / largest) * mostWeight), 1)
    const name = `${ip.replaceAll(':', '_')}-${port}`
    const address = `${bracketed(ip)}:${port}`
    return `  server ${name} ${address} weight ${weight}${h2c ? ' proto h2' : ''}${sticky ? ` cookie ${name}` : ''}${check}`
  })
}
