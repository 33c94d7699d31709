import { nothing, type Selector, selectorFromLabels } from '../base/labels.ts'
import { selectedOf, selectingOf } from '../client/label-index.ts'
import type { Cache } from '../client/reconciler.ts'
import { Pod, Service } from '../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import { isPodTerminal } from '../models/pod-state.ts'
import type { ServicePort } from '../models/types/core-v1.ts'

/** Which pods stand behind a Service, and how they are reached: what Endpoints and EndpointSlices have in common. */

export type AddressType = 'IPv4' | 'IPv6'

export const headlessLabel = 'service.kubernetes.io/headless'
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'
/** A lock of leader election in the form of Endpoints: nobody's addresses. */
export const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'

export function isHeadless(service: Service): boolean {
  return !service.spec?.clusterIP || service.spec.clusterIP === 'None'
}

/** True for Services whose endpoints follow their selector; an empty one is as none. */
export function selectsPods(service: Service): boolean {
  return hasSelector(service) && service.spec.type !== 'ExternalName'
}

export const hasSelector = (service: Service): boolean => Object.keys(service.spec?.selector ?? {}).length > 0

const selectorOf = (service: Service): Selector =>
  selectsPods(service) ? selectorFromLabels(service.spec.selector) : nothing

const selecting = selectingOf(Service, selectorOf)
const podsSelected = selectedOf(Pod)

/** The Services that a pod stands behind. */
export const servicesOf = (pod: Pod, cache: Cache): ObjectKey[] => selecting(cache, pod).map(keyOf)

/** All pods that a Service selects, those that have ended or wait for an address included. */
export const podsBehind = (service: Service, cache: Cache): Pod[] =>
  podsSelected(cache, service.metadata.namespace, selectorOf(service))

/** Pods with an address that a Service selects, in order of name. */
export function selectedPods(service: Service, cache: Cache, includeTerminating: boolean): Pod[] {
  return podsBehind(service, cache)
    .filter(pod => hasEndpoint(pod, includeTerminating))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
}

function hasEndpoint(pod: Pod, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod)) return false
  if (!pod.status?.podIP && !pod.status?.podIPs?.length) return false
  return includeTerminating || !pod.metadata.deletionTimestamp
}

export const familyOf = (address: string): AddressType => (address.includes(':') ? 'IPv6' : 'IPv4')

/** A pod's addresses of one family. */
export function podAddresses(pod: Pod, type: AddressType): string[] {
  const all = pod.status?.podIPs?.map(p => p.ip!).filter(Boolean) ?? []
  if (!all.length && pod.status?.podIP) all.push(pod.status.podIP)
  return all.filter(ip => familyOf(ip) === type)
}

/** The families of a Service, its main one first. */
export function addressTypes(service: Service): AddressType[] {
  const families = (service.spec?.ipFamilies ?? []).filter(f => f === 'IPv4' || f === 'IPv6')
  if (families.length) return families
  const ips = service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : [])
  const known = ips.filter(ip => ip !== 'None').map(familyOf)
  return known.length ? known : ['IPv4']
}

/** The port of a pod that a Service's port leads to; undefined when the pod has none of that name. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target || port.port
  const sidecars = (pod.spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars])
    for (const p of container.ports ?? [])
      if (p.name === target && (p.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return p.containerPort
  return undefined
}

/** The pod's own name in the zone of a Service that is its subdomain. */
export function hostnameOf(pod: Pod, service: Service): string | undefined {
  return pod.spec?.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined
}

export function targetRefOf(pod: Pod) {
  return { kind: 'Pod', namespace: pod.metadata.namespace!, name: pod.metadata.name, uid: pod.metadata.uid }
}
