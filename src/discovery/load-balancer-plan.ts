import { byAge } from '../models/age.ts'
import { holds } from '../models/conditions.ts'
import type { EndpointSlice, Node, Service } from '../models/kinds/index.ts'
import { servedIngress } from '../models/load-balancer-ports.ts'
import type { ServicePort } from '../models/types/core-v1.ts'

/** Where a Service of type LoadBalancer is reached, or why nowhere. `refused` are ports of it that others have. */
export type Placement = { addresses: string[]; refused?: RefusedPort[] } | { addresses: []; problem: string }

/** A port that a Service asks for and does not get, while it keeps those that it has. */
export interface RefusedPort {
  /** `tcp/80` */
  port: string
  /** Whose it is, for people. */
  holder: string
}

export interface LoadBalancerInput {
  services: readonly Service[]
  nodes: readonly Node[]
  slices(service: Service): readonly EndpointSlice[]
  /** Ports of every node that something else answers: `tcp/443` → `the gateway`. */
  reserved: ReadonlyMap<string, string>
  /** Whether the gateway is to serve at a port, which no Service gets that has no address yet. */
  isAsked?(port: number, protocol: 'TCP' | 'UDP'): boolean
}

/** Not ours where another implementation is named. */
export function isOurs({ spec, metadata }: Service): boolean {
  return spec.type === 'LoadBalancer' && !spec.loadBalancerClass && !metadata.deletionTimestamp
}

/**
 * Where each Service of type LoadBalancer is reached: at its own ports on every ready node, or with externalTrafficPolicy
 * Local on those that have an endpoint. Who has a port keeps it; of two that want the same one anew the older gets it. A Service
 * that has addresses keeps them with its other ports. By `namespace/name`. Pure.
 */
export function planLoadBalancers(input: LoadBalancerInput): Map<string, Placement> {
  const ours = input.services.filter(isOurs).toSorted(byAge)
  const holders = new Map(input.reserved)
  const kept = new Map(ours.map(service => [service, portsHad(service).filter(port => !holders.has(port))]))
  for (const [service, ports] of kept)
    for (const port of ports) if (!holders.has(port)) holders.set(port, holderName(service))
  const out = new Map<string, Placement>()
  for (const service of ours) {
    const own = holderName(service)
    const has = (port: string) => holders.get(port) === own
    const wanted = portsOf(service)
    const refused = wanted.flatMap((port): RefusedPort[] => {
      const holder = holders.get(port) ?? askedBy(port, input)
      return holder && holder !== own ? [{ port, holder }] : []
    })
    const [first] = refused
    if (first && !wanted.some(has)) {
      out.set(nameOf(service), { addresses: [], problem: takenText(first) })
      continue
    }
    for (const port of wanted) if (!refused.some(r => r.port === port)) holders.set(port, own)
    const addresses = addressesFor(service, input)
    out.set(
      nameOf(service),
      addresses.length
        ? { addresses, ...(first ? { refused } : {}) }
        : { addresses: [], problem: 'no ready node has an endpoint of it' },
    )
  }
  return out
}

/** For people: who has a port instead. */
export const takenText = ({ port, holder }: RefusedPort): string => `port ${port} of the nodes is taken by ${holder}`

const holderName = (service: Service) => `service ${nameOf(service)}`

const portsOf = ({ spec }: Service): string[] => (spec.ports ?? []).map(portText)

/** Those that it is reached at now, as long as it wants them. */
function portsHad(service: Service): string[] {
  return (service.spec.ports ?? []).filter(port => servedIngress(service, port).length > 0).map(portText)
}

/** `tcp/80` */
export const portText = ({ protocol = 'TCP', port }: Pick<ServicePort, 'protocol' | 'port'>) =>
  `${protocol.toLowerCase()}/${port}`

/** Who is first keeps it: the gateway, what is to be served there now. */
function askedBy(port: string, { isAsked }: LoadBalancerInput): string | undefined {
  const [protocol, number] = port.split('/')
  if (protocol !== 'tcp' && protocol !== 'udp') return undefined
  return isAsked?.(Number(number), protocol === 'tcp' ? 'TCP' : 'UDP') ? 'the gateway' : undefined
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
