import { sameMeaning } from '../base/equality.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { EndpointSlice, Node, Service } from '../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import { isOurs, nameOf, type Placement, planLoadBalancers, usableAddresses } from './load-balancer-plan.ts'

/**
 * Gives Services of type LoadBalancer the addresses of nodes: the service proxy of each node answers there at the
 * Service's own ports, as in clusters without a cloud. A Service that names a loadBalancerClass is left alone.
 * @param reserved ports of the nodes that others answer: `tcp/443` → `the gateway`
 */
export function loadBalancerReconciler(reserved: ReadonlyMap<string, string>): Reconciler {
  // One plan is for all Services; it holds until something that it rests on changes.
  let plan: Map<string, Placement> | undefined
  const signs = new Map<string, string>()
  /** Heartbeats and our own statuses are no news. @param sign what counts of an object; undefined: nothing, or it is gone */
  const isNews = (id: string, sign: string | undefined) => {
    if (signs.get(id) === sign) return false
    if (sign === undefined) signs.delete(id)
    else signs.set(id, sign)
    plan = undefined
    return true
  }
  const all = (cache: Cache): ObjectKey[] => cache.list(Service).filter(isOurs).map(keyOf)
  return {
    name: 'load-balancer',
    primary: Service,
    watches: [
      {
        kind: Node,
        keys({ metadata: { name } }: Node, cache) {
          const node = cache.get(Node, { name })
          return isNews(`node ${name}`, node && JSON.stringify(usableAddresses(node))) ? all(cache) : []
        },
      },
      {
        // Ports that one gives back another may be waiting for.
        kind: Service,
        keys(service: Service, cache) {
          const now = cache.get(Service, keyOf(service))
          const sign = now && isOurs(now) ? JSON.stringify([now.metadata.creationTimestamp, now.spec]) : undefined
          return isNews(nameOf(service), sign) ? all(cache) : []
        },
      },
      {
        kind: EndpointSlice,
        keys(slice: EndpointSlice, cache) {
          const keys = ofSlice(slice, cache)
          if (keys.length) plan = undefined
          return keys
        },
      },
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
      plan ??= planLoadBalancers({
        services: cache.list(Service),
        nodes: cache.list(Node),
        slices: s => cache.list(EndpointSlice, s.metadata.namespace).filter(slice => isOf(slice, s)),
        reserved,
      })
      const placement = plan.get(nameOf(service))
      if (!placement) return
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
