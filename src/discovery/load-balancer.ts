import { sameMeaning } from '../base/equality.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { EndpointSlice, Node, Service } from '../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import { isOurs, nameOf, planLoadBalancers } from './load-balancer-plan.ts'

/**
 * Gives Services of type LoadBalancer the addresses of nodes: the service proxy of each node answers there at the
 * Service's own ports, as in clusters without a cloud. A Service that names a loadBalancerClass is left alone.
 * @param reserved ports of the nodes that others answer: `tcp/443` → `the gateway`
 */
export function loadBalancerReconciler(reserved: ReadonlyMap<string, string>): Reconciler {
  const all = (_object: unknown, cache: Cache): ObjectKey[] => cache.list(Service).filter(isOurs).map(keyOf)
  return {
    name: 'load-balancer',
    primary: Service,
    watches: [
      { kind: Node, keys: all },
      // Ports that one gives back another may be waiting for.
      { kind: Service, keys: (service, cache) => (service.spec.type === 'LoadBalancer' ? all(service, cache) : []) },
      { kind: EndpointSlice, keys: ofSlice },
    ],
    writes: [{ kind: Service, part: 'status' }],
    concurrency: 1,
    async reconcile(key, { cache, client, events }) {
      const service = cache.get(Service, key)
      if (!service) return
      const before = service.status?.loadBalancer ?? {}
      if (!isOurs(service)) {
        if (service.spec.type === 'LoadBalancer' || !before.ingress?.length) return
        return write({})
      }
      const placement = planLoadBalancers({
        services: cache.list(Service),
        nodes: cache.list(Node),
        slices: s => cache.list(EndpointSlice, s.metadata.namespace).filter(slice => isOf(slice, s)),
        reserved,
      }).get(nameOf(service))!
      if ('problem' in placement) events.warning(service, 'NoLoadBalancerAddress', placement.problem)
      const { addresses } = placement
      await write(addresses.length ? { ingress: addresses.map(ip => ({ ip, ipMode: 'VIP' as const })) } : {})

      async function write(loadBalancer: object): Promise<void> {
        if (sameMeaning(before, loadBalancer)) return
        const status = { ...service!.status, loadBalancer }
        try {
          await client.updateStatus(Service, { ...structuredClone(service!), status })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
    },
  }
}

const isOf = ({ metadata }: EndpointSlice, service: Service): boolean =>
  metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name

function ofSlice({ metadata }: EndpointSlice, cache: Cache): ObjectKey[] {
  const name = metadata.labels?.['kubernetes.io/service-name']
  const service = name ? cache.get(Service, { namespace: metadata.namespace!, name }) : undefined
  return service?.spec.externalTrafficPolicy === 'Local' ? [keyOf(service)] : []
}
