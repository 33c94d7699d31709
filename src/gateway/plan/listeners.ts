import { matchesSelector } from '../../base/labels.ts'
import { byAge } from '../../models/age.ts'
import type { Namespace } from '../../models/kinds/index.ts'
import { type Gateway, gatewayGroup, type Listener, type ReferenceGrant, type RouteGroupKind } from '../kinds/index.ts'
import type { Policy } from '../policy/policy.ts'
import { placeOfPort } from '../port-space.ts'
import type { Certificate } from '../routing-table.ts'
import { type BackendInput, certificateIn } from './backends.ts'
import type { Engine } from './engine.ts'
import type { Policies } from './policies.ts'
import { isPermitted, type ReferenceProblem, routeKinds, whole } from './references.ts'

export interface ListenerInput extends BackendInput {
  /** Those that are ours to serve. */
  gateways: readonly Gateway[]
  grants: readonly ReferenceGrant[]
  namespace(name: string): Namespace | undefined
  /** Who else has a port, by its place (see port-space.ts), if somebody has. */
  portTaken(place: number): string | undefined
  policies: Policies
  engine: Engine
}

/** A listener of a Gateway, and what is to be said of it. */
export interface PlannedListener {
  gateway: Gateway
  listener: Listener
  /** '' is any. */
  hostname: string
  secure: boolean
  /** TLS is not ended here: connections go on by the name that they ask for. */
  passthrough: boolean
  /** Connections or packets go on as they come, by nothing but the port. */
  asItIs: boolean
  certificates: Certificate[]
  supportedKinds: RouteGroupKind[]
  /** What the Gateway's policy says of all its routes. */
  policy?: Policy
  /** It cannot be served at all. */
  refused?: { reason: 'UnsupportedProtocol' | 'UnsupportedValue' | 'PortUnavailable'; message: string }
  /** Another listener has the port for another protocol. */
  conflict?: { reason: 'ProtocolConflict' | 'HostnameConflict'; message: string }
  /** Something that it names is not there. */
  unresolved?: { reason: ReferenceProblem['reason'] | 'InvalidRouteKinds'; message: string }
}

/** True if requests go through it. */
export const isOpen = ({ refused, conflict, secure, passthrough, certificates }: PlannedListener) =>
  !refused && !conflict && (!secure || passthrough || certificates.length > 0)

/** All listeners, those of older Gateways first: they have a port that several want for different protocols. */
export function planListeners(input: ListenerInput): PlannedListener[] {
  const formByPort = new Map<number, { form: Form; by: string }>()
  const passthroughByName = new Map<string, { passthrough: boolean; by: string }>()
  return input.gateways.toSorted(byAge).flatMap(gateway =>
    gateway.spec.listeners.map(listener => {
      const planned = plan(input, gateway, listener)
      if (planned.refused) return planned
      const { secure, passthrough, hostname } = planned
      const by = `${gateway.metadata.name}/${listener.name}`
      const form = secure ? 'HTTPS' : planned.asItIs ? 'TCP' : 'HTTP'
      const first = firstOf(formByPort, placeOfPort(listener.port, listener.protocol), { form, by })
      if (first.form !== form)
        planned.conflict = {
          reason: 'ProtocolConflict',
          message: `port ${listener.port} is served for ${first.form} by listener ${first.by}`,
        }
      const named = firstOf(passthroughByName, `${listener.port} ${hostname}`, { passthrough, by })
      if (named.passthrough !== passthrough)
        planned.conflict ??= {
          reason: 'HostnameConflict',
          message: `TLS for "${hostname}" is ${named.passthrough ? 'passed through' : 'ended'} by listener ${named.by}`,
        }
      return planned
    }),
  )
}

/** What else is spoken on a port that listeners share. A port of UDP is of UDP alone. */
type Form = 'HTTP' | 'HTTPS' | 'TCP'

function firstOf<K, V>(map: Map<K, V>, key: K, value: V): V {
  const first = map.get(key) ?? value
  map.set(key, first)
  return first
}

function plan(input: ListenerInput, gateway: Gateway, listener: Listener): PlannedListener {
  const { protocol, hostname = '', port, tls } = listener
  const policy = input.policies.of('Gateway', gateway.metadata.namespace!, gateway.metadata.name)
  const planned: PlannedListener = {
    gateway,
    listener,
    hostname: hostname.toLowerCase(),
    secure: protocol === 'HTTPS' || protocol === 'TLS',
    passthrough: protocol === 'TLS',
    asItIs: protocol === 'TCP' || protocol === 'UDP',
    certificates: [],
    ...allowedKinds(listener),
    ...(policy ? { policy } : {}),
  }
  const refusedAs = (reason: 'UnsupportedProtocol' | 'UnsupportedValue', message: string): PlannedListener => ({
    ...planned,
    supportedKinds: [],
    refused: { reason, message },
  })
  if (!routeKinds[protocol])
    return refusedAs(
      'UnsupportedProtocol',
      `protocol ${protocol} is not served; ${Object.keys(routeKinds).join(', ')} are`,
    )
  if (protocol === 'TLS' && tls?.mode !== 'Passthrough')
    return refusedAs('UnsupportedValue', 'TLS is passed through only (tls.mode: Passthrough); HTTPS ends it')
  const { leadsOn } = input.engine
  if (protocol === 'TLS' && !leadsOn.has(protocol))
    return refusedAs('UnsupportedValue', 'this engine does not pass TLS through')
  if ((protocol === 'TCP' || protocol === 'UDP') && !leadsOn.has(protocol))
    return refusedAs('UnsupportedProtocol', `this engine does not serve ${protocol}`)
  const taken = input.portTaken(placeOfPort(port, protocol))
  if (taken) return { ...planned, refused: { reason: 'PortUnavailable', message: `port ${port} belongs to ${taken}` } }
  return protocol === 'HTTPS' ? { ...planned, ...certificatesOf(input, gateway, listener) } : planned
}

function allowedKinds({ allowedRoutes, protocol }: Listener): Pick<PlannedListener, 'supportedKinds' | 'unresolved'> {
  const kinds = routeKinds[protocol] ?? []
  const wanted = allowedRoutes?.kinds
  if (!wanted?.length) return { supportedKinds: kinds.map(kind => ({ group: gatewayGroup, kind })) }
  const known = ({ group = gatewayGroup, kind }: RouteGroupKind) => group === gatewayGroup && kinds.includes(kind)
  const unknown = wanted.filter(k => !known(k)).map(k => k.kind)
  return {
    supportedKinds: wanted.filter(known).map(({ kind }) => ({ group: gatewayGroup, kind })),
    ...(unknown.length
      ? {
          unresolved: {
            reason: 'InvalidRouteKinds',
            message: `routes of kind ${unknown.join(', ')} are not served by a listener for ${protocol}`,
          },
        }
      : {}),
  }
}

function certificatesOf(
  input: ListenerInput,
  gateway: Gateway,
  { tls }: Listener,
): Pick<PlannedListener, 'certificates' | 'unresolved'> {
  const certificates: Certificate[] = []
  let unresolved: PlannedListener['unresolved']
  const from = { kind: 'Gateway' as const, namespace: gateway.metadata.namespace! }
  for (const reference of tls?.certificateRefs ?? []) {
    const { group, kind, namespace, name } = whole(reference, 'Secret', from.namespace)
    const problem = (reason: ReferenceProblem['reason'], message: string) => (unresolved ??= { reason, message })
    if (group !== '' || kind !== 'Secret') {
      problem('InvalidCertificateRef', `certificates are Secrets, not ${kind}`)
      continue
    }
    if (!isPermitted(input.grants, from, { group, kind, namespace, name })) {
      problem(
        'RefNotPermitted',
        `no ReferenceGrant in namespace "${namespace}" lets a Gateway of namespace "${from.namespace}" refer to secret "${name}"`,
      )
      continue
    }
    const certificate = certificateIn(input.secret(namespace, name))
    if (certificate?.cert.includes('-----BEGIN CERTIFICATE-----')) certificates.push(certificate)
    else
      problem(
        'InvalidCertificateRef',
        `there is no secret "${namespace}/${name}" of type kubernetes.io/tls with a certificate and its key`,
      )
  }
  return unresolved ? { certificates, unresolved } : { certificates }
}

/** True if the listener takes routes of this kind and namespace. */
export function allows(input: ListenerInput, planned: PlannedListener, kind: string, namespace: string): boolean {
  if (!planned.supportedKinds.some(k => k.kind === kind)) return false
  const { from = 'Same', selector } = planned.listener.allowedRoutes?.namespaces ?? {}
  if (from === 'All') return true
  if (from === 'Same') return namespace === planned.gateway.metadata.namespace
  const found = input.namespace(namespace)
  return !!found && !!selector && matchesSelector(selector, found.metadata.labels ?? {})
}

/** The narrower of two host names, each '' (any), `*.a.b` or `x.a.b`; undefined: no request has both. */
export function commonHost(a: string, b: string): string | undefined {
  if (a === '' || a === b) return b
  if (b === '') return a
  if (a.startsWith('*.') && isBelow(b, a)) return b
  if (b.startsWith('*.') && isBelow(a, b)) return a
  return undefined
}

/** `x.a.b` and `*.x.a.b` are below `*.a.b`. */
const isBelow = (name: string, wildcard: string) => name.replace(/^\*/, 'any').endsWith(wildcard.slice(1))
