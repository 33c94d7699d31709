import { canonicalJson } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { OwnWrites } from '../client/own-writes.ts'
import { controllerRef } from '../client/owner.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isConflict, isNamespaceTerminating } from '../models/api-error.ts'
import { EndpointSlice, Node, Pod, Service } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import { isPodReady } from '../models/pod-state.ts'
import type { Endpoint, EndpointPort } from '../models/types/discovery-v1.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { zoneOf } from './endpoint-choice.ts'
import { hintedSlices } from './hinted-slices.ts'
import {
  type AddressType,
  addressTypes,
  headlessLabel,
  hostnameOf,
  isHeadless,
  podAddresses,
  podsBehind,
  selectedPods,
  selectsPods,
  servicesOf,
  targetPortOf,
  targetRefOf,
} from './service-pods.ts'
import type { SliceMonitor } from './slice-monitor.ts'
import type { Desired } from './slice-plan.ts'
import { keysOfSlice, managedByLabel, stillExists, writeSlices } from './slice-writer.ts'
import { TriggerTimes } from './trigger-times.ts'
import { hintSign, wantsZoneHints } from './zone-hints.ts'

const manager = 'endpointslice-controller.k8s.io'

/** Keeps the EndpointSlices of each Service with a selector: at most 100 endpoints each, one set per family and ports. */
export function endpointSliceReconciler({ monitor }: { monitor?: SliceMonitor } = {}): Reconciler {
  let own: OwnWrites | undefined
  const signs = new Map<string, string>()
  const times = new TriggerTimes()
  return {
    name: 'endpoint-slice',
    primary: Service,
    watches: [
      { kind: Pod, keys: servicesOf },
      {
        kind: Node,
        // For the zones, and for Services whose endpoints are shared out by the nodes' CPU. A heartbeat is no news for any.
        keys(node: Node, cache: Cache) {
          const sign = cache.get(Node, { name: node.metadata.name }) && hintSign(node)
          if (signs.get(node.metadata.name) === sign) return []
          if (sign) signs.set(node.metadata.name, sign)
          else signs.delete(node.metadata.name)
          return cache.list(Service).filter(wantsZoneHints).map(keyOf)
        },
      },
      { kind: EndpointSlice, keys: (slice: EndpointSlice) => keysOfSlice(slice, manager) },
    ],
    writes: [{ kind: EndpointSlice, part: 'owned' }],
    async reconcile(key, world) {
      own ??= new OwnWrites(world.clock)
      const service = world.cache.get(Service, key)
      // Without a Service, its slices go with it by their owner reference.
      if (!service) {
        monitor?.forgotten(key)
        times.forget(key)
        return own.forget(key)
      }
      if (!selectsPods(service) || service.metadata.deletionTimestamp) return
      const pods = selectedPods(service, world.cache, true)
      const lenient = service.spec?.publishNotReadyAddresses
      const nodeOf = (pod: Pod) => world.cache.get(Node, { name: pod.spec?.nodeName ?? '' })
      // A pod on a node that we do not know (yet) has no known place: it waits.
      const placed = pods.filter(pod => lenient || !pod.spec?.nodeName || nodeOf(pod))
      const zoneOfPod = (pod: Pod) => zoneOf(nodeOf(pod))
      const metadata = {
        labels: sliceLabels(service),
        ownerReferences: [controllerRef(service)],
      }
      const desired = hintedSlices(world, service, desiredSlices(service, placed, zoneOfPod), manager)
      const exists = () => stillExists(world, Service, service)
      try {
        const again = await writeSlices({
          ...{ world, own, key, manager, metadata, desired, exists },
          trigger: times.next(service, podsBehind(service, world.cache)),
          ...(monitor ? { monitor } : {}),
        })
        return again ?? (placed.length < pods.length ? { afterMs: 2_000 } : undefined)
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        monitor?.failed()
        if (!isConflict(error)) {
          const text = `Error updating Endpoint Slices for Service ${key.namespace}/${key.name}: ${explain(error)}`
          world.events.warning(service, 'FailedToUpdateEndpointSlices', text)
        }
        throw error
      }
    },
  }
}

function sliceLabels(service: Service): Record<string, string> {
  const labels: Record<string, string> = { ...service.metadata.labels }
  delete labels[headlessLabel]
  if (isHeadless(service)) labels[headlessLabel] = ''
  labels[serviceNameLabel] = service.metadata.name
  labels[managedByLabel] = manager
  return labels
}

/** What a Service's slices should say. @param zoneOf a pod's zone, if its node has one */
export function desiredSlices(
  service: Service,
  pods: readonly Pod[],
  zoneOf: (pod: Pod) => string | undefined,
): Desired[] {
  return addressTypes(service).flatMap(addressType => {
    const groups = new Map<string, Desired>()
    for (const pod of pods) {
      const addresses = podAddresses(pod, addressType)
      if (!addresses.length) continue
      const ports = portsOf(service, pod)
      const key = canonicalJson(ports)
      const group: Desired = groups.get(key) ?? { addressType, ports, endpoints: [] }
      group.endpoints.push(endpointOf(service, pod, addresses.slice(0, 1), zoneOf(pod)))
      groups.set(key, group)
    }
    return groups.size ? [...groups.values()] : [placeholder(addressType)]
  })
}

const placeholder = (addressType: AddressType): Desired => ({ addressType, ports: [], endpoints: [] })

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap(port => {
    const target = targetPortOf(pod, port)
    if (target === undefined) return []
    return [
      {
        name: port.name ?? '',
        port: target,
        protocol: port.protocol ?? 'TCP',
        ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
      },
    ]
  })
}

function endpointOf(service: Service, pod: Pod, addresses: string[], zone: string | undefined): Endpoint {
  const serving = isPodReady(pod)
  const terminating = !!pod.metadata.deletionTimestamp
  const ready = service.spec?.publishNotReadyAddresses || (serving && !terminating)
  const hostname = hostnameOf(pod, service)
  const close = service.spec?.trafficDistribution === 'PreferClose' && !wantsZoneHints(service) && ready && zone
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(close ? { hints: { forZones: [{ name: zone }] } } : {}),
    targetRef: targetRefOf(pod),
  }
}
