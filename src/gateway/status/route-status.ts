import { timestamp } from '../../base/clock.ts'
import { sameMeaning } from '../../base/equality.ts'
import type { Reconciler } from '../../client/reconciler.ts'
import type { Kind } from '../../models/kind.ts'
import { keyOf, keyText } from '../../models/object.ts'
import { GRPCRoute, HTTPRoute, type ParentReference, type RouteParentStatus } from '../kinds/index.ts'
import type { AnyRoute, AttachedParent, AttachedRoute } from '../plan/attachments.ts'
import { gatewayController } from '../plan/ingress-plan.ts'
import { attachedIn, type PortTaken, watchesOf } from './attached.ts'
import { isFalse, isTrue, withTimes } from './conditions.ts'

/** Tells of each HTTPRoute what became of it at the Gateways that are served. */
export const httpRouteStatusReconciler = (portTaken: PortTaken) =>
  routeStatus('http-route-status', HTTPRoute, portTaken)
/** Tells of each GRPCRoute what became of it at the Gateways that are served. */
export const grpcRouteStatusReconciler = (portTaken: PortTaken) =>
  routeStatus('grpc-route-status', GRPCRoute, portTaken)

function routeStatus(name: string, kind: Kind<any>, portTaken: PortTaken): Reconciler {
  return {
    name,
    primary: kind,
    watches: watchesOf(kind as typeof HTTPRoute),
    writes: [{ kind, part: 'status' }],
    async reconcile(key, { cache, client, clock }) {
      const known: AnyRoute | undefined = cache.get(kind, key)
      if (!known || known.metadata.deletionTimestamp) return
      const attached = attachedIn(cache, portTaken).routes.find(
        r => r.kind === kind.kind && keyText(keyOf(r.route)) === keyText(key),
      )
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
