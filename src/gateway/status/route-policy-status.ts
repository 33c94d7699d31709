import { timestamp } from '../../base/clock.ts'
import { sameMeaning } from '../../base/equality.ts'
import type { Cache, Reconciler } from '../../client/reconciler.ts'
import { Ingress, IngressClass, RoutePolicy } from '../../models/kinds/index.ts'
import { keyOf, keyText } from '../../models/object.ts'
import type { RoutePolicyTarget, RoutePolicyTargetStatus } from '../../models/types/optiflow-v1.ts'
import { gatewayController, isServed } from '../plan/ingress-plan.ts'
import type { PlannedPolicy } from '../plan/policies.ts'
import type { Attached, AttachedOnce } from './attached.ts'
import { isFalse, isTrue, type Meant, withTimes } from './conditions.ts'

/** Tells of each RoutePolicy whether it is in force at its targets; an event says so too when it is not. */
export function routePolicyStatusReconciler(attachedOnce: AttachedOnce): Reconciler {
  const all = (_changed: unknown, cache: Cache) => cache.list(RoutePolicy).map(keyOf)
  return {
    name: 'route-policy-status',
    primary: RoutePolicy,
    // Of several policies for one target the oldest is in force: each concerns the others.
    watches: [
      ...attachedOnce.watches(RoutePolicy),
      ...[RoutePolicy, Ingress, IngressClass].map(kind => ({ kind, keys: all })),
    ],
    writes: [{ kind: RoutePolicy, part: 'status' }],
    async reconcile(key, { cache, client, clock, events }) {
      const known = cache.get(RoutePolicy, key)
      if (!known || known.metadata.deletionTimestamp) return
      const attached = attachedOnce.in(cache)
      const planned = attached.policies.planned.find(p => keyText(keyOf(p.policy)) === keyText(key))
      if (!planned) return
      const namespace = key.namespace!
      const now = timestamp(clock)
      const ancestors = planned.targets.map((target): RoutePolicyTargetStatus => {
        const before = known.status?.ancestors?.find(a => sameTarget(a.ancestorRef, target.target))
        const meant = acceptedOf(target, isThere(cache, attached, namespace, target.target))
        return {
          ancestorRef: target.target,
          controllerName: gatewayController,
          conditions: withTimes([meant], before?.conditions, known.metadata.generation, now),
        }
      })
      if (sameMeaning(known.status?.ancestors, ancestors)) return
      await client.updateStatus(RoutePolicy, { ...structuredClone(known), status: { ancestors } })
      for (const { conditions = [] } of ancestors)
        for (const { status, reason, message } of conditions)
          if (status === 'False') events.warning(known, reason, message)
    },
  }
}

function acceptedOf({ target, refused }: PlannedPolicy['targets'][number], there: boolean): Meant {
  if (refused) return isFalse('Accepted', refused.reason, refused.message)
  return there
    ? isTrue('Accepted', 'Accepted', 'the policy is in force')
    : isFalse('Accepted', 'TargetNotFound', `there is no ${target.kind} "${target.name}" that the gateway serves`)
}

function isThere(cache: Cache, attached: Attached, namespace: string, { kind, name }: RoutePolicyTarget): boolean {
  const key = { namespace, name }
  if (kind === 'Gateway') return attached.listeners(key).length > 0
  if (kind !== 'Ingress') return !!attached.route(kind, key)?.parents.length
  const ingress = cache.get(Ingress, key)
  return !!ingress && isServed(ingress, cache.list(IngressClass))
}

const sameTarget = (a: RoutePolicyTarget, b: RoutePolicyTarget) => a.kind === b.kind && a.name === b.name
