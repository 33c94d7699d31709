import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import type { Cache, Reconciler, Source } from '../client/reconciler.ts'
import { poolCondition } from '../models/address-pool.ts'
import { isNotFound } from '../models/api-error.ts'
import { withLatestCondition } from '../models/conditions.ts'
import { EndpointSlice, Node, Service } from '../models/kinds/index.ts'
import { portsErrorCondition, portTakenError } from '../models/load-balancer-ports.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import type { PortStatus } from '../models/types/core-v1.ts'
import type { Condition } from '../models/types/meta-v1.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import type { AddressPool } from './address-pool/pool.ts'
import { addressAnnotation, planPool } from './address-pool/pool-plan.ts'
import {
  isOurs,
  nameOf,
  type Placement,
  planLoadBalancers,
  portText,
  type RefusedPort,
  takenText,
  usableAddresses,
} from './load-balancer-plan.ts'
import { slicesNamed } from './slice-writer.ts'

/** At which ports of the nodes the gateway is to serve now. */
export interface PortsOfGateway extends Pick<Source, 'subscribe'> {
  isAsked(port: number, protocol: 'TCP' | 'UDP'): boolean
}

/**
 * Gives Services of type LoadBalancer the addresses of nodes: the service proxy of each node answers there at the
 * Service's own ports, as in clusters without a cloud. A Service that names a loadBalancerClass is left alone.
 * @param reserved ports of the nodes that others answer: `tcp/443` → `the gateway`
 * @param pool addresses of the LAN to be given instead; nodes announce them
 * @param asked ports that the gateway wants only now and then
 */
export function loadBalancerReconciler(
  reserved: ReadonlyMap<string, string>,
  pool?: AddressPool,
  asked?: PortsOfGateway,
): Reconciler {
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
    eventsFrom: 'service-controller',
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
          const sign =
            now && isOurs(now)
              ? JSON.stringify([
                  now.metadata.creationTimestamp,
                  now.metadata.annotations?.[addressAnnotation],
                  now.spec,
                ])
              : undefined
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
    ...(asked
      ? {
          sources: [
            {
              subscribe: changed =>
                asked.subscribe(() => {
                  plan = undefined
                  changed()
                }),
              keys: all,
            },
          ],
        }
      : {}),
    writes: [{ kind: Service, part: 'status' }],
    concurrency: 1,
    async reconcile(key, { cache, client, clock, events }) {
      const service = cache.get(Service, key)
      if (!service) return
      const before = service.status?.loadBalancer ?? {}
      if (!isOurs(service)) {
        if (service.spec.type === 'LoadBalancer' || !before.ingress?.length) return
        return write({}, false)
      }
      plan ??= pool
        ? planPool(cache.list(Service), pool)
        : planLoadBalancers({
            services: cache.list(Service),
            nodes: cache.list(Node),
            slices: s => slicesNamed(cache, keyOf(s)),
            reserved,
            isAsked: (port, protocol) => asked?.isAsked(port, protocol) ?? false,
          })
      const placement = plan.get(nameOf(service))
      if (!placement) return
      if ('problem' in placement) events.warning(service, 'NoLoadBalancerAddress', placement.problem)
      const refused = 'refused' in placement ? (placement.refused ?? []) : []
      for (const port of refused)
        events.warning(service, 'PortTaken', `${takenText(port)}; the others of the Service are answered`)
      const { addresses } = placement
      const told = pool ? {} : { ports: portStatuses(service, refused) }
      await write(
        addresses.length ? { ingress: addresses.map(ip => ({ ip, ipMode: 'VIP' as const, ...told })) } : {},
        pool !== undefined && addresses.length > 0,
        refused,
      )

      async function write(loadBalancer: object, pooled: boolean, refused: readonly RefusedPort[] = []): Promise<void> {
        const now = timestamp(clock)
        const conditions = withPortsCondition(withPoolCondition(service!, pooled, now), refused, now)
        if (sameMeaning(before, loadBalancer) && sameMeaning(conditions, service!.status?.conditions ?? [])) return
        const status = { ...service!.status, loadBalancer, conditions }
        try {
          await client.updateStatus(Service, { ...structuredClone(service!), status })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
    },
  }
}

/** Which ports are answered at the nodes' addresses: that is how a Service keeps those that it was first to have. */
function portStatuses({ spec }: Service, refused: readonly RefusedPort[]): PortStatus[] {
  return (spec.ports ?? []).map(({ port, protocol = 'TCP' }) => {
    const isRefused = refused.some(r => r.port === portText({ port, protocol }))
    return { port, protocol, ...(isRefused ? { error: portTakenError } : {}) }
  })
}

/** Nodes announce the addresses of a Service that says so, and no others: those of another program are not theirs to touch. */
function withPoolCondition({ status }: Service, pooled: boolean, now: string): Condition[] {
  const conditions = status?.conditions ?? []
  const others = conditions.filter(c => c.type !== poolCondition)
  if (!pooled) return others
  const said = conditions.find(c => c.type === poolCondition && c.status === 'True')
  const text = { reason: 'AddressGiven', message: 'A node announces the address on its network.' }
  return [...others, said ?? { type: poolCondition, status: 'True', lastTransitionTime: now, ...text }]
}

function withPortsCondition(conditions: Condition[], refused: readonly RefusedPort[], now: string): Condition[] {
  if (!refused.length) return conditions.filter(c => !(c.type === portsErrorCondition && c.reason === portsReason))
  const message = refused.map(takenText).join('; ')
  return withLatestCondition(conditions, {
    ...{ type: portsErrorCondition, status: 'True', reason: portsReason, message, lastTransitionTime: now },
  })
}

const portsReason = 'PortTaken'

function ofSlice({ metadata }: EndpointSlice, cache: Cache): ObjectKey[] {
  const name = metadata.labels?.[serviceNameLabel]
  const service = name ? cache.get(Service, { namespace: metadata.namespace!, name }) : undefined
  return service?.spec.externalTrafficPolicy === 'Local' ? [keyOf(service)] : []
}
