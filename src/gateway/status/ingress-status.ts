import { sameMeaning } from '../../base/equality.ts'
import type { Reconciler } from '../../client/reconciler.ts'
import { isNotFound } from '../../models/api-error.ts'
import { Ingress, IngressClass } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import { isServed } from '../plan/ingress-plan.ts'

/** Tells in the status of each Ingress that the gateway serves where it is reached. @param addresses of the gateway's machine */
export function ingressStatusReconciler(addresses: readonly string[]): Reconciler {
  return {
    name: 'ingress-status',
    primary: Ingress,
    watches: [{ kind: IngressClass, keys: (_class, cache) => cache.list(Ingress).map(keyOf) }],
    writes: [{ kind: Ingress, part: 'status' }],
    async reconcile(key, { cache, client }) {
      const ingress = cache.get(Ingress, key)
      if (!ingress || ingress.metadata.deletionTimestamp) return
      if (!isServed(ingress, cache.list(IngressClass))) return
      const loadBalancer = { ingress: addresses.map(ip => ({ ip })) }
      if (sameMeaning(ingress.status?.loadBalancer, loadBalancer)) return
      try {
        await client.updateStatus(Ingress, { ...structuredClone(ingress), status: { loadBalancer } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}
