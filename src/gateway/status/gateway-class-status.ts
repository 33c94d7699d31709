import { timestamp } from '../../base/clock.ts'
import { sameMeaning } from '../../base/equality.ts'
import type { Reconciler } from '../../client/reconciler.ts'
import { GatewayClass } from '../kinds/index.ts'
import { gatewayController } from '../plan/ingress-plan.ts'
import { isTrue, withTimes } from './conditions.ts'

/** Accepts the classes that name the gateway as their controller. */
export function gatewayClassStatusReconciler(): Reconciler {
  return {
    name: 'gateway-class-status',
    primary: GatewayClass,
    writes: [{ kind: GatewayClass, part: 'status' }],
    async reconcile(key, { cache, client, clock }) {
      const known = cache.get(GatewayClass, key)
      if (!known || known.metadata.deletionTimestamp || known.spec.controllerName !== gatewayController) return
      const accepted = [isTrue('Accepted', 'Accepted', 'the gateway serves this class')]
      const conditions = withTimes(accepted, known.status?.conditions, known.metadata.generation, timestamp(clock))
      if (sameMeaning(known.status?.conditions, conditions)) return
      await client.updateStatus(GatewayClass, { ...structuredClone(known), status: { ...known.status, conditions } })
    },
  }
}
