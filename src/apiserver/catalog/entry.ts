import type { EndpointSlice, Service } from '../../models/kinds/index.ts'

/** A service as people without Kubernetes clients look it up. */
export interface CatalogEntry {
  namespace: string
  name: string
  /** Inside the cluster; the cluster's domain may be appended. */
  dnsName: string
  /** What is called: the Service's own address, or the other name that it stands for. Absent: call an endpoint. */
  address?: string
  ports: { name?: string; port: number; protocol: string }[]
  labels: Record<string, string>
  /** It runs outside the cluster and was registered. */
  outside: boolean
  /** Somebody answers. Absent: nobody can tell. */
  healthy?: boolean
  endpoints: CatalogEndpoint[]
}

export interface CatalogEndpoint {
  ip: string
  ports: { name?: string; port: number; protocol: string }[]
  healthy: boolean
  node?: string
  pod?: string
}

/** @param healthyOnly leaves out endpoints that are not, and the service if none is left: undefined. Pure. */
export function catalogEntry(
  { metadata, spec }: Service,
  slices: readonly EndpointSlice[],
  healthyOnly: boolean,
): CatalogEntry | undefined {
  const external = spec.type === 'ExternalName'
  const all = slices.flatMap(endpointsOf)
  const healthy = all.some(endpoint => endpoint.healthy)
  if (healthyOnly && !healthy) return undefined
  const address = external ? spec.externalName : spec.clusterIP === 'None' ? undefined : spec.clusterIP
  return {
    namespace: metadata.namespace!,
    name: metadata.name,
    dnsName: `${metadata.name}.${metadata.namespace}.svc`,
    ...(address ? { address } : {}),
    ports: (spec.ports ?? []).map(portOf),
    labels: metadata.labels ?? {},
    outside: metadata.ownerReferences?.some(owner => owner.kind === 'ServiceRegistration') ?? false,
    ...(external ? {} : { healthy }),
    endpoints: (healthyOnly ? all.filter(endpoint => endpoint.healthy) : all).sort((a, b) => (a.ip < b.ip ? -1 : 1)),
  }
}

function endpointsOf({ endpoints, ports }: EndpointSlice): CatalogEndpoint[] {
  return (endpoints ?? []).flatMap(({ addresses, conditions, nodeName, targetRef }) =>
    addresses.map(ip => ({
      ip,
      ports: (ports ?? []).flatMap(({ name, port, protocol }) => (port ? [portOf({ name, port, protocol })] : [])),
      healthy: conditions?.ready !== false,
      ...(nodeName ? { node: nodeName } : {}),
      ...(targetRef?.kind === 'Pod' ? { pod: targetRef.name! } : {}),
    })),
  )
}

const portOf = ({
  name,
  port,
  protocol,
}: {
  name?: string | undefined
  port: number
  protocol?: string | undefined
}) => ({
  ...(name ? { name } : {}),
  port,
  protocol: protocol ?? 'TCP',
})
