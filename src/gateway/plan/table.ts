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
import { isOpen, type PlannedListener } from './listeners.ts'
import { mergedPolicy } from './policy-of.ts'

/** What one port serves, while it is put together. */
interface Draft {
  secure: boolean
  hosts: Map<string, Route[]>
  certificates: Map<string, Certificate>
  passthrough: Map<string, Passthrough>
  fallback?: PortRoutes['fallback']
}

/**
 * The table of all that Ingresses and Gateways ask for, with no other port. Ingresses are served on ports 80 and 443. Pure.
 * @param answers whether an authority asks for proofs, which it does at port 80
 */
export function tableOf(ingresses: IngressRoutes, { listeners, routes }: Attachments, answers: boolean): RoutingTable {
  const ports = new Map<number, Draft>()
  const at = (port: number, secure: boolean): Draft => {
    let draft = ports.get(port)
    if (!draft) ports.set(port, (draft = { secure, hosts: new Map(), certificates: new Map(), passthrough: new Map() }))
    return draft
  }
  for (const listener of listeners) {
    if (!isOpen(listener)) continue
    const draft = at(listener.listener.port, listener.secure)
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
          const { port } = listener.listener
          if (done.has(`${port} ${host}`)) continue
          done.add(`${port} ${host}`)
          const draft = at(port, listener.secure)
          if (!attached.passthrough) add(draft, host, routesAt(attached, listener))
          else if (!draft.passthrough.has(host)) draft.passthrough.set(host, attached.passthrough)
        }
  }
  if (answers) at(80, false)
  const asked = ingresses.hosts.size > 0 || ingresses.fallback !== undefined
  for (const [port, secure] of asked ? doors : []) {
    const draft = at(port, secure)
    if (draft.secure !== secure) continue
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

const doors = [
  [80, false],
  [443, true],
] as const

/** With what the Gateway's policy says of all its routes. */
function routesAt({ routes }: AttachedRoute, { policy }: PlannedListener): readonly Route[] {
  if (!policy) return routes
  return routes.map(({ match, action }) => ({
    match,
    action: { ...action, policy: mergedPolicy(policy, action.policy)! },
  }))
}

function add({ hosts }: Draft, host: string, routes: readonly Route[]): void {
  const list = hosts.get(host)
  if (list) list.push(...routes)
  else hosts.set(host, [...routes])
}
