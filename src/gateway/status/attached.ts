import type { Cache, Watch } from '../../client/reconciler.ts'
import { Namespace, Secret, Service } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import { Gateway, GatewayClass, GRPCRoute, HTTPRoute, ReferenceGrant } from '../kinds/index.ts'
import { type Attachments, attach } from '../plan/attachments.ts'
import { isServedGateway } from '../plan/gateways.ts'

/** Who has a port of the gateway's machine for something else. */
export type PortTaken = (port: number) => string | undefined

/** What is attached to what, as the informers know it now. Endpoints do not matter to it. */
export function attachedIn(cache: Cache, portTaken: PortTaken): Attachments {
  const classes = cache.list(GatewayClass)
  return attach({
    gateways: cache.list(Gateway).filter(gateway => isServedGateway(gateway, classes)),
    httpRoutes: cache.list(HTTPRoute),
    grpcRoutes: cache.list(GRPCRoute),
    grants: cache.list(ReferenceGrant),
    namespace: name => cache.get(Namespace, { name }),
    service: (namespace, name) => cache.get(Service, { namespace, name }),
    secret: (namespace, name) => cache.get(Secret, { namespace, name }),
    slices: () => [],
    portTaken,
  })
}

/** Everything that may change the status of all objects of `kind`. */
export function watchesOf(kind: typeof Gateway | typeof HTTPRoute | typeof GRPCRoute): Watch[] {
  const all = (_changed: unknown, cache: Cache) => cache.list<any>(kind).map(keyOf)
  const kinds = [GatewayClass, Gateway, HTTPRoute, GRPCRoute, ReferenceGrant, Namespace, Service, Secret]
  return kinds.filter(other => other.kind !== kind.kind).map(other => ({ kind: other, keys: all }))
}
