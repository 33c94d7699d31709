import { timestamp } from '../../base/clock.ts'
import { sameMeaning } from '../../base/equality.ts'
import type { Reconciler } from '../../client/reconciler.ts'
import type { Kind } from '../../models/kind.ts'
import {
  GRPCRoute,
  HTTPRoute,
  type ParentReference,
  type RouteParentStatus,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '../kinds/index.ts'
import type { AnyRoute, AttachedParent, AttachedRoute } from '../plan/attachments.ts'
import { gatewayController } from '../plan/ingress-plan.ts'
import type { AttachedOnce } from './attached.ts'
import { isFalse, isTrue, withTimes } from './conditions.ts'

/** Tells of each HTTPRoute what became of it at the Gateways that are served. */
export const httpRouteStatusReconciler = (attachedOnce: AttachedOnce) =>
  routeStatus('http-route-status', HTTPRoute, attachedOnce)
/** Tells of each GRPCRoute what became of it at the Gateways that are served. */
export const grpcRouteStatusReconciler = (attachedOnce: AttachedOnce) =>
  routeStatus('grpc-route-status', GRPCRoute, attachedOnce)
/** Tells of each TLSRoute what became of it at the Gateways that are served. */
export const tlsRouteStatusReconciler = (attachedOnce: AttachedOnce) =>
  routeStatus('tls-route-status', TLSRoute, attachedOnce)
/** Tells of each TCPRoute what became of it at the Gateways that are served. */
export const tcpRouteStatusReconciler = (attachedOnce: AttachedOnce) =>
  routeStatus('tcp-route-status', TCPRoute, attachedOnce)
/** Tells of each UDPRoute what became of it at the Gateways that are served. */
export const udpRouteStatusReconciler = (attachedOnce: AttachedOnce) =>
  routeStatus('udp-route-status', UDPRoute, attachedOnce)

function routeStatus(name: string, kind: Kind<any>, attachedOnce: AttachedOnce): Reconciler {
  return {
    name,
    primary: kind,
    watches: attachedOnce.watches(kind),
    writes: [{ kind, part: 'status' }],
    async reconcile(key, { cache, client, clock }) {
      const known: AnyRoute | undefined = cache.get(kind, key)
      if (!known || known.metadata.deletionTimestamp) return
      const attached = attachedOnce.in(cache).route(kind.kind, key)
      const parents = attached ? parentsOf(attached, timestamp(clock)) : []
      // A route that never was ours is left alone.
      if (!parents.length && !known.status?.parents) return
      if (sameMeaning(known.status?.parents, parents)) return
      await client.updateStatus<any>(kind, { ...structuredClone(known), status: { parents } })
    },
  }
}

/** What other controllers say stays. */
function parentsOf({ route, parents, unresolved }: AttachedRoute, now: string): RouteParentStatus[] {
  const before = route.status?.parents ?? []
  const theirs = before.filter(p => p.controllerName !== gatewayController)
  const ours = parents.map(parent => {
    const old = before.find(p => p.controllerName === gatewayController && sameParent(p.parentRef, parent.reference))
    const meant = [
      acceptedOf(parent),
      unresolved
        ? isFalse('ResolvedRefs', unresolved.reason, unresolved.message)
        : isTrue('ResolvedRefs', 'ResolvedRefs', 'all references lead somewhere'),
    ]
    return {
      parentRef: parent.reference,
      controllerName: gatewayController,
      conditions: withTimes(meant, old?.conditions, route.metadata.generation, now),
    }
  })
  return [...theirs, ...ours]
}

const acceptedOf = ({ refused }: AttachedParent) =>
  refused ? isFalse('Accepted', refused.reason, refused.message) : isTrue('Accepted', 'Accepted', 'the route is served')

const sameParent = (a: ParentReference, b: ParentReference) =>
  a.name === b.name && a.namespace === b.namespace && a.sectionName === b.sectionName && a.port === b.port
