import { placeOfPort } from '../port-space.ts'
import {
  type Certificate,
  inOrder,
  type Passthrough,
  type PortRoutes,
  type Route,
  type RoutingTable,
} from '../routing-table.ts'
import type { AttachedRoute, Attachments } from './attachments.ts'
import type { IngressRoutes } from './ingress-plan.ts'
import { commonHost, isOpen, type PlannedListener } from './listeners.ts'
import { mergedPolicy } from './policy-of.ts'

/** What one port serves, while it is put together. */
interface Draft {
  secure: boolean
  hosts: Map<string, Route[]>
  certificates: Map<string, Certificate>
  passthrough: Map<string, Passthrough>
  asItIs?: { to?: Passthrough }
  fallback?: PortRoutes['fallback']
}

/**
 * The table of all that Ingresses and Gateways ask for, with no other port. Ingresses are served on ports 80 and 443. Pure.
 * @param answers whether an authority asks for proofs, which it does at port 80
 */
export function tableOf(ingresses: IngressRoutes, { listeners, routes }: Attachments, answers: boolean): RoutingTable {
  const ports = new Map<number, Draft>()
  const at = (place: number, secure: boolean): Draft => {
    let draft = ports.get(place)
    if (!draft)
      ports.set(place, (draft = { secure, hosts: new Map(), certificates: new Map(), passthrough: new Map() }))
    return draft
  }
  for (const listener of listeners) {
    if (!isOpen(listener)) continue
    const draft = at(placeOf(listener), listener.secure)
    if (listener.asItIs) draft.asItIs ??= {}
    const [certificate] = listener.certificates
    if (certificate && !draft.certificates.has(listener.hostname))
      draft.certificates.set(listener.hostname, certificate)
  }
  for (const attached of routes) {
    const { parents } = attached
    // Where two parents lead to the same listener and host it is served once.
    const done = new Set<string>()
    for (const { refused, listeners: served } of parents)
      for (const { listener, hosts } of refused ? [] : served)
        for (const host of isOpen(listener) ? hosts : []) {
          const place = placeOf(listener)
          const except = ofNarrower(listener, host, listeners)
          const spot = [place, host, ...(except ?? [])].join(' ')
          if (!except || done.has(spot)) continue
          done.add(spot)
          const draft = at(place, listener.secure)
          if (draft.asItIs) draft.asItIs.to ??= attached.passthrough
          else if (!attached.passthrough) add(draft, host, routesAt(attached, listener, except))
          else if (!draft.passthrough.has(host)) draft.passthrough.set(host, attached.passthrough)
        }
  }
  if (answers) at(80, false)
  const asked = ingresses.hosts.size > 0 || ingresses.fallback !== undefined
  for (const [port, secure] of asked ? doors : []) {
    const draft = at(port, secure)
    if (draft.secure !== secure || draft.asItIs) continue
    for (const [host, list] of ingresses.hosts) add(draft, host, list)
    for (const [host, certificate] of ingresses.certificates)
      if (!draft.certificates.has(host)) draft.certificates.set(host, certificate)
    draft.fallback = ingresses.fallback
  }
  return {
    ports: new Map(
      [...ports].map(([port, draft]) => [
        port,
        { ...draft, hosts: new Map([...draft.hosts].map(([host, list]) => [host, inOrder(list)])) },
      ]),
    ),
  }
}

const placeOf = ({ listener: { port, protocol } }: PlannedListener) => placeOfPort(port, protocol)

const doors = [
  [80, false],
  [443, true],
] as const

/**
 * A request is for that listener of a Gateway whose host name says most; routes of its others do not get it.
 * @returns names below `host` that are for other listeners of the Gateway; undefined: all of `host` is
 * @see https://gateway-api.sigs.k8s.io/reference/spec/#listener (`hostname`)
 */
function ofNarrower(own: PlannedListener, host: string, all: readonly PlannedListener[]): string[] | undefined {
  const names = all
    .filter(other => other.gateway === own.gateway && other.listener.port === own.listener.port && isOpen(other))
    .map(other => other.hostname)
    .filter(name => name !== own.hostname && commonHost(own.hostname, name) === name)
  if (names.some(name => commonHost(name, host) === host)) return undefined
  return names.filter(name => commonHost(name, host) === name)
}

/** With what the Gateway's policy says of all its routes. */
function routesAt({ routes }: AttachedRoute, { policy }: PlannedListener, except: readonly string[]): readonly Route[] {
  if (!policy && !except.length) return routes
  return routes.map(({ match, action }) => ({
    match: except.length ? { ...match, exceptHosts: except } : match,
    action: policy ? { ...action, policy: mergedPolicy(policy, action.policy)! } : action,
  }))
}

function add({ hosts }: Draft, host: string, routes: readonly Route[]): void {
  const list = hosts.get(host)
  if (list) list.push(...routes)
  else hosts.set(host, [...routes])
}
