import { byAge } from '../models/age.ts'
import { holds } from '../models/conditions.ts'
import type { EndpointSlice, Node, Service } from '../models/kinds/index.ts'

/** Where a Service of type LoadBalancer is reached, or why nowhere. */
export type Placement = { addresses: string[] } | { addresses: []; problem: string }

export interface LoadBalancerInput {
  services: readonly Service[]
  nodes: readonly Node[]
  slices(service: Service): readonly EndpointSlice[]
  /** Ports of every node that something else answers: `tcp/443` → `the gateway`. */
  reserved: ReadonlyMap<string, string>
  /** Whether the gateway is to serve at a port of TCP, which no Service gets that has no address yet. */
  isAsked?(port: number): boolean
}

/** Not ours where another implementation is named. */
export function isOurs({ spec, metadata }: Service): boolean {
  return spec.type === 'LoadBalancer' && !spec.loadBalancerClass && !metadata.deletionTimestamp
}

/**
 * Where each Service of type LoadBalancer is reached: at its own ports on every ready node, or with externalTrafficPolicy
 * Local on those that have an endpoint. Of two that want the same port the older one gets it. By `namespace/name`. Pure.
 */
export function planLoadBalancers(input: LoadBalancerInput): Map<string, Placement> {
  const taken = new Map(input.reserved)
  const out = new Map<string, Placement>()
  for (const service of input.services.filter(isOurs).toSorted(byAge)) {
    const name = nameOf(service)
    const wanted = (service.spec.ports ?? []).map(p => `${(p.protocol ?? 'TCP').toLowerCase()}/${p.port}`)
    const clash = wanted.find(port => taken.has(port)) ?? askedPort(service, input)
    if (clash) {
      const holder = taken.get(clash) ?? 'the gateway'
      out.set(name, { addresses: [], problem: `port ${clash} of the nodes is taken by ${holder}` })
      continue
    }
    for (const port of wanted) taken.set(port, `service ${name}`)
    const addresses = addressesFor(service, input)
    out.set(name, addresses.length ? { addresses } : { addresses: [], problem: 'no ready node has an endpoint of it' })
  }
  return out
}

/** Who was first keeps it: the Ingress or the Gateway is told then. */
function askedPort({ spec, status }: Service, { isAsked }: LoadBalancerInput): string | undefined {
  if (status?.loadBalancer?.ingress?.length) return undefined
  const asked = (spec.ports ?? []).find(({ protocol = 'TCP', port }) => protocol === 'TCP' && isAsked?.(port))
  return asked && `tcp/${asked.port}`
}

export const nameOf = ({ metadata }: Service) => `${metadata.namespace}/${metadata.name}`

function addressesFor(service: Service, { nodes, slices }: LoadBalancerInput): string[] {
  const local = service.spec.externalTrafficPolicy === 'Local'
  const withEndpoint = new Set(local ? slices(service).flatMap(readyNodes) : [])
  const serving = nodes.filter(n => !local || withEndpoint.has(n.metadata.name))
  return serving.flatMap(usableAddresses).sort()
}

/** At which addresses a node answers for Services; none when it should not. */
export const usableAddresses = (node: Node): string[] => (isUsable(node) ? addressOf(node) : [])

/** Nodes that have a ready endpoint of it. */
export const readyNodes = (slice: EndpointSlice): string[] =>
  (slice.endpoints ?? []).flatMap(e => (e.conditions?.ready !== false && e.nodeName ? [e.nodeName] : []))

/** Ready, and not told to be left out. @see https://kubernetes.io/docs/reference/labels-annotations-taints/ */
function isUsable({ metadata, status }: Node): boolean {
  if (metadata.labels?.['node.kubernetes.io/exclude-from-external-load-balancers'] !== undefined) return false
  return holds(status?.conditions, 'Ready')
}

function addressOf({ status }: Node): string[] {
  const all = status?.addresses ?? []
  const found = all.find(a => a.type === 'ExternalIP') ?? all.find(a => a.type === 'InternalIP')
  return found ? [found.address] : []
}
