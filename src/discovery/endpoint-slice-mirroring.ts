import { explain } from '../base/errors.ts'
import { OwnWrites } from '../client/own-writes.ts'
import { controllerRef } from '../client/owner.ts'
import type { Reconciler, World } from '../client/reconciler.ts'
import { isConflict, isNamespaceTerminating } from '../models/api-error.ts'
import { EndpointSlice, Endpoints, Service } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import type { EndpointAddress, EndpointSubset } from '../models/types/core-v1.ts'
import type { Endpoint } from '../models/types/discovery-v1.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { repacked } from './endpoint-subsets.ts'
import { familyOf, hasSelector, leaderAnnotation, triggerTimeAnnotation } from './service-pods.ts'
import type { Desired } from './slice-plan.ts'
import { keysOfSlice, managedByLabel, removeSlices, slicesOf, stillExists, writeSlices } from './slice-writer.ts'

const manager = 'endpointslicemirroring-controller.k8s.io'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
/** Addresses of one subset beyond this are not mirrored. */
const maxAddressesPerSubset = 1000

/** Mirrors Endpoints that people wrote for Services without a selector into EndpointSlices, which is what proxies read. */
export function endpointSliceMirroringReconciler(): Reconciler {
  let own: OwnWrites | undefined
  return {
    name: 'endpoint-slice-mirroring',
    primary: Endpoints,
    watches: [
      { kind: Service, keys: (service: Service) => [keyOf(service)] },
      { kind: EndpointSlice, keys: (slice: EndpointSlice) => keysOfSlice(slice, manager) },
    ],
    writes: [{ kind: EndpointSlice, part: 'owned' }],
    async reconcile(key, world) {
      own ??= new OwnWrites(world.clock)
      const endpoints = world.cache.get(Endpoints, key)
      const service = world.cache.get(Service, key)
      if (!endpoints) own.forget(key)
      if (!endpoints || !isMirrored(endpoints, service)) return removeSlices(world, slicesOf(world, key, manager))
      const metadata = {
        labels: mirrorLabels(endpoints),
        annotations: mirrorAnnotations(endpoints),
        ownerReferences: [controllerRef(endpoints)],
      }
      const desired = mirroredSlices(repacked(endpoints.subsets ?? []))
      tellSkipped(world, endpoints)
      try {
        const exists = () => stillExists(world, Endpoints, endpoints)
        return await writeSlices({ world, own, key, manager, metadata, desired, exists, limit: maxAddressesPerSubset })
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        if (!isConflict(error)) {
          const text = `Failed to mirror Endpoints ${key.namespace}/${key.name}: ${explain(error)}`
          world.events.warning(endpoints, 'FailedToUpdateEndpointSlices', text)
        }
        throw error
      }
    },
  }
}

function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  if (metadata.labels?.[skipLabel] === 'true' || metadata.annotations?.[leaderAnnotation] !== undefined) return false
  return !!service && !hasSelector(service)
}

function mirrorLabels({ metadata }: Endpoints): Record<string, string> {
  return { ...metadata.labels, [serviceNameLabel]: metadata.name, [managedByLabel]: manager }
}

function mirrorAnnotations({ metadata }: Endpoints): Record<string, string> {
  const { [lastApplied]: _, [triggerTimeAnnotation]: __, ...annotations } = metadata.annotations ?? {}
  return annotations
}

function tellSkipped({ events }: World, endpoints: Endpoints): void {
  const skipped = (endpoints.subsets ?? []).reduce(
    (n, s) => n + Math.max((s.addresses?.length ?? 0) + (s.notReadyAddresses?.length ?? 0) - maxAddressesPerSubset, 0),
    0,
  )
  if (!skipped) return
  const text = `A max of ${maxAddressesPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`
  events.warning(endpoints, 'TooManyAddressesToMirror', text)
}

/** What the mirror should say: one set of slices per subset and family. */
export function mirroredSlices(subsets: readonly EndpointSubset[]): Desired[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const all = [...addresses.map(a => endpointOf(a, true)), ...notReadyAddresses.map(a => endpointOf(a, false))].slice(
      0,
      maxAddressesPerSubset,
    )
    return (['IPv4', 'IPv6'] as const).flatMap(addressType => {
      const endpoints = all.filter(e => familyOf(e.addresses[0]!) === addressType)
      if (!endpoints.length) return []
      const slicePorts = ports.map(p => ({
        name: p.name ?? '',
        port: p.port,
        protocol: p.protocol ?? ('TCP' as const),
        ...(p.appProtocol ? { appProtocol: p.appProtocol } : {}),
      }))
      return [{ addressType, ports: slicePorts, endpoints }]
    })
  })
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  }
}
