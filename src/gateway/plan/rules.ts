import { parseGoDuration } from '../../models/go-duration.ts'
import type { Cors } from '../cors.ts'
import type {
  BackendReference,
  CorsFilter,
  GRPCRouteMatch,
  GRPCRouteRule,
  HeaderModifier,
  HTTPRouteMatch,
  HTTPRouteRule,
  PathModifier,
  RouteFilter,
  ValueMatch,
} from '../kinds/index.ts'
import type {
  Backend,
  HeaderChange,
  PathMatch,
  Rewrite,
  Route,
  RouteAction,
  RouteMatch,
  ValueTest,
  WeightedBackend,
} from '../routing-table.ts'
import { patternTest } from '../value-tests.ts'
import { sharedOut } from './canaries.ts'

/** Finds the backend that a reference names. */
export type Resolve = (reference: BackendReference) => Backend

/** A route that does not know yet whose it is. */
export interface BareRoute extends Omit<Route, 'action'> {
  action: Omit<RouteAction, 'route'>
}

/** Why a rule cannot be carried out: its requests get 500. */
export class UnsupportedRule extends Error {}

/** @throws UnsupportedRule */
export function httpRoutes(rule: HTTPRouteRule, resolve: Resolve): BareRoute[] {
  return (rule.matches?.length ? rule.matches : [{}]).map(match => ({
    match: httpMatch(match),
    action: { ...actionOf(rule, match.path?.value ?? '/', resolve), ...times(rule) },
  }))
}

/** gRPC is HTTP/2 on both sides: the method is the path `/service/method`. @throws UnsupportedRule */
export function grpcRoutes(rule: GRPCRouteRule, resolve: Resolve): BareRoute[] {
  const spoken: Resolve = reference => ({ ...resolve(reference), h2c: true })
  return (rule.matches?.length ? rule.matches : [{}]).map(match => ({
    match: grpcMatch(match),
    action: actionOf(rule, '/', spoken),
  }))
}

function httpMatch({ path = {}, headers, queryParams, method }: HTTPRouteMatch): RouteMatch {
  const { type = 'PathPrefix', value = '/' } = path
  return {
    path:
      type === 'RegularExpression'
        ? patternPath(value)
        : type === 'Exact'
          ? { type, path: value }
          : { type: 'Prefix', path: value.replace(/\/+$/, '') },
    ...(method ? { method } : {}),
    ...(headers?.length ? { headers: headers.map(h => valueTest(h, h.name.toLowerCase())) } : {}),
    ...(queryParams?.length ? { query: queryParams.map(q => valueTest(q, q.name)) } : {}),
  }
}

function grpcMatch({ method = {}, headers }: GRPCRouteMatch): RouteMatch {
  const { type = 'Exact', service, method: name } = method
  const quoted = (text: string) => (type === 'Exact' ? text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : text)
  const path: PathMatch =
    type === 'Exact' && service && name
      ? { type: 'Exact', path: `/${service}/${name}` }
      : type === 'Exact' && !name
        ? { type: 'Prefix', path: service ? `/${service}` : '' }
        : patternPath(`/${service ? quoted(service) : '[^/]+'}/${name ? quoted(name) : '[^/]+'}`)
  return {
    path,
    ...(headers?.length ? { headers: headers.map(h => valueTest(h, h.name.toLowerCase())) } : {}),
  }
}

function patternPath(source: string): PathMatch {
  return { type: 'Pattern', path: source, test: wholePattern(source) }
}

function valueTest({ type, value }: ValueMatch, name: string): ValueTest {
  return type === 'RegularExpression'
    ? { name, pattern: value, test: wholePattern(value) }
    : { name, exact: value, test: text => text === value }
}

/** Matches the whole text, in RE2's syntax. @throws UnsupportedRule */
function wholePattern(source: string): (text: string) => boolean {
  try {
    return patternTest(source)
  } catch (cause) {
    throw new UnsupportedRule((cause as Error).message, { cause })
  }
}

function actionOf(
  rule: Pick<HTTPRouteRule, 'backendRefs' | 'filters'>,
  prefix: string,
  resolve: Resolve,
): BareRoute['action'] {
  const { backendRefs = [], filters = [] } = rule
  const backends = backendRefs
    .map((reference): WeightedBackend => {
      const { requestHeaders, responseHeaders, rewrite, redirect, cors } = filterActions(
        reference.filters ?? [],
        prefix,
        resolve,
      )
      if (rewrite || redirect || cors)
        throw new UnsupportedRule('URLRewrite, RequestRedirect and CORS are served in rules, not for single backends')
      return {
        weight: reference.weight ?? 1,
        backend: resolve(reference),
        ...(requestHeaders ? { requestHeaders } : {}),
        ...(responseHeaders ? { responseHeaders } : {}),
      }
    })
    .filter(({ weight }) => weight > 0)
  return { backends: sharedOut(backends), ...filterActions(filters, prefix, resolve) }
}

function filterActions(
  filters: readonly RouteFilter[],
  prefix: string,
  resolve: Resolve,
): Omit<RouteAction, 'route' | 'backends'> {
  const action: Omit<RouteAction, 'route' | 'backends'> = {}
  for (const filter of filters) {
    const { type, requestHeaderModifier, responseHeaderModifier, requestMirror, requestRedirect, urlRewrite } = filter
    if (requestHeaderModifier) action.requestHeaders = headerChange(requestHeaderModifier)
    else if (responseHeaderModifier) action.responseHeaders = headerChange(responseHeaderModifier)
    else if (requestMirror) {
      const { percent, fraction, backendRef } = requestMirror
      const part = fraction ? fraction.numerator / (fraction.denominator ?? 100) : (percent ?? 100) / 100
      action.mirrors = [...(action.mirrors ?? []), { backend: resolve(backendRef), fraction: part }]
    } else if (requestRedirect) {
      const { scheme, port, statusCode = 302 } = requestRedirect
      action.redirect = {
        ...rewriteOf(requestRedirect, prefix),
        ...(scheme ? { scheme } : {}),
        ...(port ? { port } : {}),
        status: statusCode,
      }
    } else if (urlRewrite) action.rewrite = rewriteOf(urlRewrite, prefix)
    else if (filter.cors) action.cors = corsOf(filter.cors)
    else throw new UnsupportedRule(`filters of type ${type} are not served`)
  }
  return action
}

function rewriteOf({ hostname, path }: { hostname?: string; path?: PathModifier }, prefix: string): Rewrite {
  const change =
    path?.type === 'ReplacePrefixMatch'
      ? { prefix: prefix.replace(/\/+$/, ''), by: (path.replacePrefixMatch ?? '').replace(/\/+$/, '') }
      : path?.replaceFullPath !== undefined
        ? { full: path.replaceFullPath }
        : undefined
  return { ...(hostname ? { hostname } : {}), ...(change ? { path: change } : {}) }
}

function headerChange({ set, add, remove }: HeaderModifier): HeaderChange {
  const record = (list: HeaderModifier['set']) =>
    Object.fromEntries((list ?? []).map(h => [h.name.toLowerCase(), h.value]))
  return { set: record(set), add: record(add), remove: (remove ?? []).map(name => name.toLowerCase()) }
}

function corsOf(cors: CorsFilter): Cors {
  const { allowOrigins = [], allowCredentials = false, allowMethods = [], allowHeaders = [] } = cors
  return {
    ...{ origins: allowOrigins, credentials: allowCredentials, methods: allowMethods, headers: allowHeaders },
    exposed: cors.exposeHeaders ?? [],
    maxAge: cors.maxAge ?? 5,
  }
}

/** 0 is no limit. */
function times({ timeouts }: HTTPRouteRule): Pick<RouteAction, 'requestMs' | 'backendMs'> {
  const requestMs = parseGoDuration(timeouts?.request ?? '')
  const backendMs = parseGoDuration(timeouts?.backendRequest ?? '')
  return { ...(requestMs ? { requestMs } : {}), ...(backendMs ? { backendMs } : {}) }
}
