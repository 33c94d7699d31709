import { sameMeaning } from '../../../base/equality.ts'
import type { Service, ServicePort, ServiceSpec } from '../../types/core-v1.ts'

const hasClusterIP = ({ type }: ServiceSpec) => type !== 'ExternalName'
const hasNodePorts = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec) =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)
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
  const sameList = sameMeaning(spec.clusterIPs, old.clusterIPs)
  if (!spec.clusterIP && old.clusterIP && sameList) delete spec.clusterIPs
  else if (spec.clusterIP && spec.clusterIP !== old.clusterIP && sameList) spec.clusterIPs = [spec.clusterIP]
}

/** Keeps what the server allocated and the writer left out, and drops what the new type has no use for. */
export function prepareServiceUpdate(next: Service, previous: Service): void {
  alignClusterIPs(next, previous)
  keepAllocated(next.spec, previous.spec)
  dropUnused(next.spec, previous.spec)
  if (next.spec.type !== 'LoadBalancer' && next.status?.loadBalancer) next.status.loadBalancer = {}
}

function keepAllocated(next: ServiceSpec, old: ServiceSpec): void {
  if (hasClusterIP(old) && hasClusterIP(next)) {
    if (!next.clusterIP && old.clusterIP) next.clusterIP = old.clusterIP
    if (!next.clusterIPs?.length && next.clusterIP === old.clusterIP && old.clusterIPs)
      next.clusterIPs = [...old.clusterIPs]
  }
  if (hasNodePorts(old) && hasNodePorts(next)) keepNodePorts(next.ports ?? [], old.ports ?? [])
  if (hasHealthPort(old) && hasHealthPort(next) && old.healthCheckNodePort)
    next.healthCheckNodePort ||= old.healthCheckNodePort
}

function keepNodePorts(next: ServicePort[], old: ServicePort[]): void {
  const key = (port: ServicePort) => `${port.protocol ?? 'TCP'} ${port.port}`
  const allocated = new Map(old.filter(p => p.nodePort).map(p => [key(p), p.nodePort!]))
  const taken = new Set(next.map(p => p.nodePort).filter(Boolean))
  for (const port of next) {
    const kept = allocated.get(key(port))
    if (port.nodePort || !kept || taken.has(kept)) continue
    port.nodePort = kept
    taken.add(kept)
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
    if (next.internalTrafficPolicy === old.internalTrafficPolicy) delete next.internalTrafficPolicy
  }
  if (hasNodePorts(old) && !hasNodePorts(next)) {
    const before = new Set((old.ports ?? []).map(p => p.nodePort))
    for (const port of next.ports ?? []) if (before.has(port.nodePort)) delete port.nodePort
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
