import { bracketed } from '../../base/ip.ts'
import {
  inTurn,
  type Passthrough,
  type PortRoutes,
  type Route,
  type RouteAction,
  type RoutingTable,
} from '../routing-table.ts'
import { backendLines, serverLines } from './backend-config.ts'
import { conditionOf, hostCondition } from './conditions.ts'
import { comment, quoted } from './words.ts'

export interface ConfigOptions {
  table: RoutingTable
  /** Where each port is to listen; those of the table that are not here are left out. */
  addresses: ReadonlyMap<number, { host: string; port: number }>
  /** Paths that are answered before all routes, with their answers. */
  answers: ReadonlyMap<string, string>
  /** The list of certificates of a secure port. */
  certificateList: (port: number) => string
  /** Where the master's old worker hands its listeners to the new one, and where one may look into it. */
  socket: string
  /** Who the workers are once they have their ports; undefined: who we are. */
  user: string | undefined
}

/** The routing table in HAProxy's words. Pure. @see https://docs.haproxy.org/2.6/configuration.html */
export function haproxyConfig(options: ConfigOptions): string {
  const { table, addresses, socket, user } = options
  const backends: string[] = []
  const securePort = addresses.get(443)?.port
  const frontends = [...addresses].flatMap(([port, address]) => {
    const routes = table.ports.get(port) ?? nothing(port)
    if (routes.asItIs) return connections(port, address, routes.asItIs.to)
    return frontend(options, port, routes, securePort, backends)
  })
  const lines = [
    'global',
    // Requests under way on an old worker end; whoever holds a connection for longer is cut.
    '  hard-stop-after 60s',
    `  stats socket ${quoted(socket)} mode 600 level admin expose-fd listeners`,
    ...(user ? [`  user ${user}`, `  group ${user}`] : []),
    '  ssl-default-bind-options ssl-min-ver TLSv1.2',
    'defaults',
    '  mode http',
    '  timeout connect 3s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  timeout http-request 30s',
    '  timeout http-keep-alive 60s',
    '  timeout tunnel 24h',
    '  option http-keep-alive',
    // After a reload a kept connection ends with the answer to its next request, not as that is on its way.
    '  option idle-close-on-response',
    '  option redispatch 1',
    '  retries 2',
    // What no backend has seen, or what asking twice does not change.
    '  retry-on conn-failure empty-response response-timeout',
    ...frontends,
    'backend none',
    `  http-request return status 404 content-type 'text/plain; charset=utf-8' lf-string 'no route for %[var(txn.host)]%[path]'`,
    ...backends,
  ]
  return `${lines.join('\n')}\n`
}

/** What is served before there is a table. */
export const nothing = (port: number): PortRoutes => ({
  ...{ secure: port === 443, hosts: new Map(), certificates: new Map() },
})

const stepsBack = String.raw`/(\.|%2e){1,2}(/|$)`

function frontend(
  { addresses, answers, certificateList }: ConfigOptions,
  port: number,
  { secure, hosts, fallback }: PortRoutes,
  securePort: number | undefined,
  backends: string[],
): string[] {
  const { host, port: real } = addresses.get(port)!
  const tls = secure ? ` ssl crt-list ${quoted(certificateList(port))} alpn h2,http/1.1` : ''
  const lines = [
    `frontend port-${port}`,
    `  bind ${bracketed(host)}:${real}${tls}`,
    `  http-request set-var(txn.host) req.hdr(host),regsub(':[0-9]+$',''),lower`,
    ...[...answers].map(
      ([path, text]) =>
        `  http-request return status 200 content-type text/plain string ${quoted(text)} if { path -m str ${quoted(path)} }`,
    ),
    // What a route matches is what its backend answers: no steps that lead back.
    `  http-request return status 400 content-type text/plain string 'the path has steps that lead back' if { path -m reg -i ${quoted(stepsBack)} }`,
    // From the outside nobody may say who he is.
    ...['Forwarded', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Forwarded-Server', 'X-Forwarded-Scheme'].map(
      name => `  http-request del-header ${name}`,
    ),
    '  http-request set-header X-Forwarded-For %[src]',
    '  http-request set-header X-Real-IP %[src]',
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    `  http-request set-header X-Forwarded-Proto ${secure ? 'https' : 'http'}`,
    '  http-request disable-l7-retry unless METH_GET or { method HEAD OPTIONS TRACE }',
  ]
  const acls: string[] = []
  const uses: string[] = []
  const lead = (condition: string, action: RouteAction, match?: Route['match']) => {
    const name = `route-${port}-${uses.length}`
    uses.push(`  use_backend ${name} ${condition} # ${comment(action.route)}`.replace(/ +/g, ' ').replace(/^ /, '  '))
    backends.push(`backend ${name}`, ...backendLines(action, { match, secure, real, securePort }))
  }
  for (const [host, routes] of inTurn(hosts))
    for (const { match, action } of routes) {
      const id = `m${uses.length}`
      const { acl, condition } = conditionOf(id, match)
      acls.push(...acl)
      lead(`if ${[hostCondition(host, match.oneLabel), condition].filter(Boolean).join(' ') || 'TRUE'}`, action, match)
    }
  if (fallback) lead('', fallback)
  const last = fallback ? uses.pop()!.replace('use_backend', 'default_backend') : '  default_backend none'
  return [...lines, ...acls, ...uses, last.replace(/ #.*$/, '')]
}

/** What comes to a port is led on as it is, for as long as both sides want. */
function connections(port: number, { host, port: real }: { host: string; port: number }, to?: Passthrough): string[] {
  return [
    `listen port-${port}${to ? ` # ${comment(to.route)}` : ''}`,
    '  mode tcp',
    `  bind ${bracketed(host)}:${real}`,
    '  timeout client 24h',
    '  timeout server 24h',
    '  balance leastconn',
    ...(to ? serverLines(to) : ['  tcp-request connection reject']),
  ]
}

/** The list that says which certificate is for which name; the first is for names without one. */
export function certificateListText(files: readonly { path: string; name: string }[]): string {
  return files
    .map(({ path, name }) => (name ? `${path} ${name}` : path))
    .join('\n')
    .concat('\n')
}
