import { sameMeaning } from '../../../base/equality.ts'
import type { Service, ServicePort, ServiceSpec } from '../../types/core-v1.ts'

const hasClusterIP = ({ type }: ServiceSpec) => type !== 'ExternalName'
const mayHaveNodePorts = ({ type }: ServiceSpec) => type === 'NodePort' || type === 'LoadBalancer'
const wantsNodePorts = (spec: ServiceSpec) =>
  mayHaveNodePorts(spec) && (spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false)
const hasHealthPort = ({ type, externalTrafficPolicy }: ServiceSpec) =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
const isReachableFromOutside = ({ type, externalIPs }: ServiceSpec) =>
  type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && Boolean(externalIPs?.length))

/** One address, two fields: a writer of the older one means both. */
export function alignClusterIPs({ spec }: Service, previous?: Service): void {
  const old = previous?.spec
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
    return
  }
  // Who knows the older field alone has not cleared the newer one.
  if (old.clusterIPs?.length && !spec.clusterIPs?.length && spec.clusterIP === old.clusterIP)
    spec.clusterIPs = [...old.clusterIPs]
  const sameList = sameMeaning(spec.clusterIPs, old.clusterIPs)
  if (!spec.clusterIP && old.clusterIP && sameList) delete spec.clusterIPs
  else if (spec.clusterIP && spec.clusterIP !== old.clusterIP && sameList) spec.clusterIPs = [spec.clusterIP]
}

export function prepareServiceCreation(service: Service): void {
  alignClusterIPs(service)
  dropInternalPolicy(service.spec)
}

/** Older servers filled it in where it has no meaning; such a Service is still taken. */
function dropInternalPolicy(spec: ServiceSpec): void {
  const { type, internalTrafficPolicy } = spec
  if (type === 'ExternalName' && (internalTrafficPolicy === 'Cluster' || internalTrafficPolicy === 'Local'))
    delete spec.internalTrafficPolicy
}

/** Keeps what the server allocated and the writer left out, and drops what the new type has no use for. */
export function prepareServiceUpdate(next: Service, previous: Service): void {
  alignClusterIPs(next, previous)
  keepAllocated(next.spec, previous.spec)
  dropUnused(next.spec, previous.spec)
  dropInternalPolicy(next.spec)
  if (next.spec.type !== 'LoadBalancer' && next.status?.loadBalancer) next.status.loadBalancer = {}
}

function keepAllocated(next: ServiceSpec, old: ServiceSpec): void {
  if (hasClusterIP(old) && hasClusterIP(next)) {
    if (!next.clusterIP && old.clusterIP) next.clusterIP = old.clusterIP
    if (!next.clusterIPs?.length && next.clusterIP === old.clusterIP && old.clusterIPs)
      next.clusterIPs = [...old.clusterIPs]
  }
  if (wantsNodePorts(old) && wantsNodePorts(next)) keepNodePorts(next.ports ?? [], old.ports ?? [])
  if (hasHealthPort(old) && hasHealthPort(next) && old.healthCheckNodePort)
    next.healthCheckNodePort ||= old.healthCheckNodePort
}

/** A port is known by its name, whatever else of it has changed. */
function keepNodePorts(next: ServicePort[], old: ServicePort[]): void {
  const allocated = new Map(old.filter(p => p.nodePort).map(p => [p.name ?? '', p.nodePort!]))
  const taken = new Set(next.map(p => p.nodePort).filter(Boolean))
  for (const port of next) {
    const kept = allocated.get(port.name ?? '')
    if (port.nodePort || !kept || taken.has(kept)) continue
    port.nodePort = kept
  }
}

function dropUnused(next: ServiceSpec, old: ServiceSpec): void {
  if (hasClusterIP(old) && !hasClusterIP(next)) {
    if (sameMeaning(next.clusterIPs, old.clusterIPs) && next.clusterIP === old.clusterIP) {
      delete next.clusterIP
      delete next.clusterIPs
    }
    if (sameMeaning(next.ipFamilies, old.ipFamilies)) delete next.ipFamilies
    if (next.ipFamilyPolicy === old.ipFamilyPolicy) delete next.ipFamilyPolicy
  }
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(next)) {
    const before = new Set((old.ports ?? []).map(p => p.nodePort))
    const ports = (next.ports ?? []).filter(p => p.nodePort)
    if (ports.every(p => before.has(p.nodePort))) for (const port of ports) delete port.nodePort
  }
  if (hasHealthPort(old) && !hasHealthPort(next) && next.healthCheckNodePort === old.healthCheckNodePort)
    delete next.healthCheckNodePort
  if (old.type === 'LoadBalancer' && next.type !== 'LoadBalancer') {
    if (next.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts)
      delete next.allocateLoadBalancerNodePorts
    if (next.loadBalancerClass === old.loadBalancerClass) delete next.loadBalancerClass
  }
  if (isReachableFromOutside(old) && !isReachableFromOutside(next)) {
    if (next.externalTrafficPolicy === old.externalTrafficPolicy) delete next.externalTrafficPolicy
  }
}
