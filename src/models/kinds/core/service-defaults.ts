import type { Service } from '../../types/core-v1.ts'

/** What a Service leaves open. Addresses, families and node ports are the server's to allocate. */
export function defaultService({ spec, status }: Service): void {
  if (!spec) return
  spec.type ??= 'ClusterIP'
  spec.sessionAffinity ??= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {}
    spec.sessionAffinityConfig.clientIP ??= {}
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= 10_800
  }
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP'
    port.targetPort ||= port.port
  }
  const reachableFromOutside =
    spec.type === 'NodePort' ||
    spec.type === 'LoadBalancer' ||
    (spec.type === 'ClusterIP' && Boolean(spec.externalIPs?.length))
  if (reachableFromOutside) spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}
