import type { Cache, Source, Watch } from '../../client/reconciler.ts'
import type { Kind } from '../../models/kind.ts'
import { Namespace, RoutePolicy, Secret, Service } from '../../models/kinds/index.ts'
import { type KubeObject, keyOf, keyText, type ObjectKey } from '../../models/object.ts'
import type { AskedPorts } from '../asked-ports.ts'
import {
  Gateway,
  GatewayClass,
  GRPCRoute,
  HTTPRoute,
  ReferenceGrant,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '../kinds/index.ts'
import { type AttachedRoute, type Attachments, attach } from '../plan/attachments.ts'
import type { Engine } from '../plan/engine.ts'
import { isServedGateway } from '../plan/gateways.ts'
import type { PortTaken } from '../plan/held-ports.ts'
import type { PlannedListener } from '../plan/listeners.ts'
import { type Policies, planPolicies } from '../plan/policies.ts'

/** What is attached to what, to be looked up by key. */
export interface Attached {
  all: Attachments
  policies: Policies
  route(kind: string, key: ObjectKey): AttachedRoute | undefined
  listeners(gateway: ObjectKey): readonly PlannedListener[]
}

/** Everything that decides what is attached to what. */
const deciding: Kind<any>[] = [
  ...[GatewayClass, Gateway, HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute, ReferenceGrant],
  ...[Namespace, RoutePolicy, Secret, Service],
]

/**
 * Plans once for all reconcilers of statuses, anew only after a change: one plan for each key would be as many plans of all routes
 * as there are routes.
 */
export class AttachedOnce {
  readonly #portTaken: PortTaken
  readonly #engine: Engine
  readonly #asked: AskedPorts
  readonly #away: ReadonlySet<string>
  #known: Attached | undefined

  /** @param away names of kinds that the API does not serve */
  constructor(portTaken: PortTaken, engine: Engine, asked: AskedPorts, away: ReadonlySet<string> = new Set()) {
    this.#away = away
    this.#engine = engine
    this.#asked = asked
    // What the gateway cannot have it must go on asking for, so only who tells of it knows.
    this.#portTaken = services => {
      const held = portTaken(services)
      return place => held(place) ?? asked.holder(place)
    }
  }

  /** As the informers know it now. Endpoints do not matter to it. */
  in(cache: Cache): Attached {
    this.#known ??= plan(cache, this.#portTaken, this.#engine, this.#away)
    return this.#known
  }

  /** The ports that the gateway cannot have. */
  sources(kind: Kind<any>): Source[] {
    const { subscribe } = this.#asked
    return [
      {
        subscribe: changed =>
          subscribe(() => {
            this.#known = undefined
            changed()
          }),
        keys: cache => cache.list<any>(kind).map(keyOf),
      },
    ]
  }

  /** Everything that may change the status of all objects of `kind`. Changes of `kind` itself concern only the one that changed. */
  watches(kind: Kind<any>): Watch[] {
    const followed = deciding.filter(other => !this.#away.has(other.kind))
    return followed.map(other => ({
      kind: other,
      keys: (_changed: unknown, cache: Cache) => {
        this.#known = undefined
        return other.kind === kind.kind ? [] : cache.list<any>(kind).map(keyOf)
      },
    }))
  }
}

function plan(cache: Cache, portTaken: PortTaken, engine: Engine, away: ReadonlySet<string>): Attached {
  const routesOf = <T extends KubeObject>(kind: Kind<T>) => (away.has(kind.kind) ? [] : cache.list(kind))
  const found = {
    service: (namespace: string, name: string) => cache.get(Service, { namespace, name }),
    secret: (namespace: string, name: string) => cache.get(Secret, { namespace, name }),
    slices: () => [],
  }
  const classes = cache.list(GatewayClass)
  const policies = planPolicies({ ...found, policies: cache.list(RoutePolicy), engine })
  const all = attach({
    ...found,
    gateways: cache.list(Gateway).filter(gateway => isServedGateway(gateway, classes)),
    httpRoutes: routesOf(HTTPRoute),
    grpcRoutes: routesOf(GRPCRoute),
    tlsRoutes: routesOf(TLSRoute),
    tcpRoutes: routesOf(TCPRoute),
    udpRoutes: routesOf(UDPRoute),
    grants: cache.list(ReferenceGrant),
    namespace: name => cache.get(Namespace, { name }),
    policies,
    engine,
    portTaken: portTaken(cache.list(Service)),
  })
  const routes = new Map(all.routes.map(r => [`${r.kind} ${keyText(keyOf(r.route))}`, r]))
  const listeners = new Map<string, PlannedListener[]>()
  for (const listener of all.listeners) {
    const gateway = keyText(keyOf(listener.gateway))
    listeners.set(gateway, [...(listeners.get(gateway) ?? []), listener])
  }
  return {
    ...{ all, policies },
    route: (kind, key) => routes.get(`${kind} ${keyText(key)}`),
    listeners: gateway => listeners.get(keyText(gateway)) ?? [],
  }
}
