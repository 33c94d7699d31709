import { byAge } from '../../models/age.ts'
import { keyOf, keyText } from '../../models/object.ts'
import {
  type BackendReference,
  type GRPCRoute,
  gatewayGroup,
  type HTTPRoute,
  type ParentReference,
  type TCPRoute,
  type TLSRoute,
  type UDPRoute,
} from '../kinds/index.ts'
import type { Backend, Passthrough, Route } from '../routing-table.ts'
import { sharedOut } from './canaries.ts'
import type { Engine } from './engine.ts'
import { allows, commonHost, type ListenerInput, type PlannedListener, planListeners } from './listeners.ts'
import type { Policies } from './policies.ts'
import { type ReferenceProblem, resolveBackend } from './references.ts'
import { type BareRoute, grpcRoutes, httpRoutes, type Resolve, UnsupportedRule } from './rules.ts'

export interface AttachmentInput extends ListenerInput {
  httpRoutes: readonly HTTPRoute[]
  grpcRoutes: readonly GRPCRoute[]
  tlsRoutes: readonly TLSRoute[]
  tcpRoutes: readonly TCPRoute[]
  udpRoutes: readonly UDPRoute[]
  policies: Policies
}

export type AnyRoute = HTTPRoute | GRPCRoute | TLSRoute | TCPRoute | UDPRoute

type RouteKind = 'HTTPRoute' | 'GRPCRoute' | LeadingKind
/** Those that lead on what comes as it is. */
type LeadingKind = 'TLSRoute' | 'TCPRoute' | 'UDPRoute'

/** A route, and what became of each of its parents that is ours. */
export interface AttachedRoute {
  route: AnyRoute
  kind: RouteKind
  parents: AttachedParent[]
  /** Its first reference that leads nowhere. */
  unresolved?: ReferenceProblem
  /** What its rules come to. */
  routes: Route[]
  /** Where the connections or packets of a TLSRoute, TCPRoute or UDPRoute go. */
  passthrough?: Passthrough
}

export interface AttachedParent {
  reference: ParentReference
  /** Where it is served, and for which host. */
  listeners: { listener: PlannedListener; hosts: string[] }[]
  refused?: {
    reason: 'NoMatchingParent' | 'NotAllowedByListeners' | 'NoMatchingListenerHostname' | 'UnsupportedValue'
    message: string
  }
}

export interface Attachments {
  listeners: PlannedListener[]
  routes: AttachedRoute[]
}

/**
 * Which route is served by which listener, and why not. Pure.
 * @see https://gateway-api.sigs.k8s.io/api-types/httproute/
 */
export function attach(input: AttachmentInput): Attachments {
  const listeners = planListeners(input)
  const byGateway = new Map<string, PlannedListener[]>()
  for (const listener of listeners) {
    const name = keyText(keyOf(listener.gateway))
    byGateway.set(name, [...(byGateway.get(name) ?? []), listener])
  }
  const of = (kind: RouteKind) => (route: AnyRoute) => attachRoute(input, byGateway, route, kind)
  return {
    listeners,
    routes: [
      ...input.httpRoutes.toSorted(byAge).map(of('HTTPRoute')),
      ...input.grpcRoutes.toSorted(byAge).map(of('GRPCRoute')),
      ...input.tlsRoutes.toSorted(byAge).map(of('TLSRoute')),
      ...input.tcpRoutes.toSorted(byAge).map(of('TCPRoute')),
      ...input.udpRoutes.toSorted(byAge).map(of('UDPRoute')),
    ],
  }
}

function attachRoute(
  input: AttachmentInput,
  byGateway: ReadonlyMap<string, PlannedListener[]>,
  route: AnyRoute,
  kind: RouteKind,
): AttachedRoute {
  const namespace = route.metadata.namespace!
  let unresolved: ReferenceProblem | undefined
  const resolve = (reference: BackendReference): Backend => {
    const { backend, problem } = resolveBackend(input, { kind, namespace }, reference)
    if (problem) unresolved ??= problem
    return backend
  }
  const policy = input.policies.of(kind, namespace, route.metadata.name)
  const about = { route: `${kind} ${namespace}/${route.metadata.name}`, ...(policy ? { policy } : {}) }
  const { routes: bare, unsupported = gapOf(input.engine, bare) } = rulesOf(route, kind, resolve)
  const passthrough = leadsOn(kind) ? passthroughOf(route as LeadingRoute, about.route, resolve) : undefined
  const routes = bare.map(({ match, action }) => ({ match, action: { ...action, ...about } }))
  const parents: AttachedParent[] = []
  for (const reference of route.spec.parentRefs ?? []) {
    const { group = gatewayGroup, kind: parentKind = 'Gateway', namespace: of = namespace, name } = reference
    if (group !== gatewayGroup || parentKind !== 'Gateway') continue
    const candidates = byGateway.get(keyText({ namespace: of, name }))
    if (!candidates) continue
    const parent = attachParent(input, candidates, route, kind, reference)
    if (unsupported && !parent.refused) parent.refused = { reason: 'UnsupportedValue', message: unsupported }
    parents.push(parent)
  }
  return {
    route,
    kind,
    parents,
    routes,
    ...(passthrough ? { passthrough } : {}),
    ...(unresolved ? { unresolved } : {}),
  }
}

/** What the engine cannot do of a route's rules. Policies tell theirs themselves. */
function gapOf({ cannot }: Engine, routes: readonly BareRoute[]): string | undefined {
  for (const route of routes) {
    const gap = cannot(route)
    if (gap !== undefined) return gap
  }
  return undefined
}

type LeadingRoute = TLSRoute | TCPRoute | UDPRoute

const leadsOn = (kind: RouteKind): kind is LeadingKind => kind !== 'HTTPRoute' && kind !== 'GRPCRoute'

function passthroughOf({ spec }: LeadingRoute, route: string, resolve: Resolve): Passthrough {
  const references = spec.rules.flatMap(rule => rule.backendRefs)
  const backends = references.map(reference => ({ weight: reference.weight ?? 1, backend: resolve(reference) }))
  return { route, backends: sharedOut(backends.filter(({ weight }) => weight > 0)) }
}

function rulesOf(route: AnyRoute, kind: RouteKind, resolve: Resolve): { routes: BareRoute[]; unsupported?: string } {
  if (leadsOn(kind)) return { routes: [] }
  try {
    const routes =
      kind === 'HTTPRoute'
        ? ((route as HTTPRoute).spec.rules ?? []).flatMap(rule => httpRoutes(rule, resolve))
        : ((route as GRPCRoute).spec.rules ?? [{}]).flatMap(rule => grpcRoutes(rule, resolve))
    return { routes }
  } catch (error) {
    if (!(error instanceof UnsupportedRule)) throw error
    return { routes: [], unsupported: error.message }
  }
}

function attachParent(
  input: AttachmentInput,
  candidates: readonly PlannedListener[],
  route: AnyRoute,
  kind: string,
  reference: ParentReference,
): AttachedParent {
  const refuse = (reason: NonNullable<AttachedParent['refused']>['reason'], message: string): AttachedParent => ({
    reference,
    listeners: [],
    refused: { reason, message },
  })
  const { sectionName, port, name } = reference
  const named = candidates.filter(
    ({ listener }) =>
      (sectionName === undefined || listener.name === sectionName) && (port === undefined || listener.port === port),
  )
  if (!named.length) {
    const what = [sectionName && `named "${sectionName}"`, port && `on port ${port}`].filter(Boolean).join(' ')
    return refuse('NoMatchingParent', `gateway "${name}" has no listener ${what}`)
  }
  const allowed = named.filter(listener => allows(input, listener, kind, route.metadata.namespace!))
  if (!allowed.length)
    return refuse(
      'NotAllowedByListeners',
      `no listener of gateway "${name}" takes a ${kind} of namespace "${route.metadata.namespace}"`,
    )
  const hostnames = ('hostnames' in route.spec && route.spec.hostnames) || []
  const listeners = allowed
    .map(listener => ({
      listener,
      hosts: (hostnames.length ? hostnames : [''])
        .map(h => commonHost(listener.hostname, h.toLowerCase()))
        .filter(h => h !== undefined),
    }))
    .filter(({ hosts }) => hosts.length > 0)
  if (!listeners.length)
    return refuse('NoMatchingListenerHostname', `no listener of gateway "${name}" has one of the host names in common`)
  return { reference, listeners }
}
