import { plainAddress } from '../base/ip.ts'
import type { NftFamily } from '../base/nft-table.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { servedIngress } from '../models/load-balancer-ports.ts'
import type { ServicePort } from '../models/types/core-v1.ts'
import type { UsableEndpoint } from '../models/usable-endpoints.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { chooseEndpoints, type Endpoints, isOf, type Viewpoint } from './endpoint-choice.ts'
import { emptyRules, type RuleSet, targetsOf } from './rule-set.ts'
import { headlessLabel } from './service-pods.ts'
import {
  type CalledBy,
  entranceChain,
  localEntranceChain,
  localRules,
  outsideRules,
  type Reach,
  type SharedChain,
  spreadingChain,
  targetMap,
} from './shared-chains.ts'
import { digest, stickyChain, stickySecondsOf } from './sticky-chains.ts'

/** A Service with this annotation is answered on the node itself: no rule may touch its address. */
export const nodeLocalAnnotation = 'optiflow.dev/node-local'

/** Each family has rules of its own. */
export interface RuleInput extends Viewpoint {
  services: readonly Service[]
  slices: readonly EndpointSlice[]
  /** Addresses of pods, `10.244.0.0/16`: who comes from there is inside, whatever address it calls. */
  podCidrs?: readonly string[]
}

/** Services with these labels are somebody else's to carry out, as with kube-proxy. */
const leftToOthers = ['service.kubernetes.io/service-proxy-name', headlessLabel]

/** What the rules must be for these Services. Pure. */
export function planServiceRules(input: RuleInput): RuleSet {
  const out = emptyRules()
  const family = input.family ?? 'ip'
  const mine = (address: string) => isOf(family, address)
  const slicesOf = groupSlices(input.slices)
  for (const service of input.services) {
    const { spec } = service
    if (!spec.clusterIP || spec.clusterIP === 'None' || spec.type === 'ExternalName') continue
    if (leftToOthers.some(label => service.metadata.labels?.[label] !== undefined)) continue
    if (service.metadata.annotations?.[nodeLocalAnnotation] === 'true') continue
    const id = `${service.metadata.namespace}/${service.metadata.name}`
    for (const port of spec.ports ?? []) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase()
      const endpoints = chooseEndpoints(input, slicesOf.get(id) ?? [], port)
      const name = `${id}:${port.name ?? port.port}/${protocol}`
      const plan: PortPlan = {
        ...{ out, name, protocol, service, endpoints, family, nodeName: input.nodeName },
        podCidrs: (input.podCidrs ?? []).filter(mine),
      }
      const lead = (addresses: string[], verdictOf: (keys: string[]) => string | undefined) => {
        const ips = addresses.filter(mine).map(plainAddress)
        if (!ips.length) return
        const verdict = verdictOf(ips.map(ip => `${ip} . ${port.port}`))
        for (const ip of ips) {
          const key = `${ip} . ${protocol} . ${port.port}`
          if (verdict) out.clusterIps.set(key, verdict)
          else out.withoutEndpoints.add(key)
        }
      }
      lead(spec.clusterIPs ?? [spec.clusterIP], keys => fromInside(plan, keys))
      lead(spec.externalIPs ?? [], keys => fromOutside(plan, 'address', keys))
      lead(ingressIps(service, port), keys => behindRanges(plan, fromOutside(plan, 'address', keys)))
      const entrance = port.nodePort && fromOutside(plan, 'port', [String(port.nodePort)])
      if (entrance) out.nodePorts.set(`${protocol} . ${port.nodePort}`, entrance)
    }
  }
  return out
}

/** One port of one Service, while its rules are made. */
interface PortPlan {
  out: RuleSet
  nodeName: string
  name: string
  protocol: string
  service: Service
  endpoints: Endpoints
  /** Those of this family. */
  podCidrs: readonly string[]
  family: NftFamily
}

/**
 * What becomes of who calls the cluster IP: a verdict; undefined: nobody answers anywhere, it is refused.
 * @param keys how it is called: `10.96.0.1 . 443`
 */
function fromInside(plan: PortPlan, keys: readonly string[]): string | undefined {
  const { cluster, local } = plan.endpoints
  if (!cluster.length) return undefined
  const own = plan.service.spec.internalTrafficPolicy === 'Local' ? local : cluster
  // Others may answer elsewhere: nobody is told that the Service is gone.
  return own.length ? `goto ${spread(plan, 'address', 'to', keys, own)}` : 'drop'
}

/** The same for who calls an address outside the cluster or a node port. */
function fromOutside(plan: PortPlan, by: CalledBy, keys: readonly string[]): string | undefined {
  const { service, endpoints, podCidrs, family } = plan
  const { cluster, local } = endpoints
  if (!cluster.length) return undefined
  const everywhere = spread(plan, by, 'to', keys, cluster)
  const isLocal = service.spec.externalTrafficPolicy === 'Local'
  const here = isLocal && local.length ? spread(plan, by, 'here', keys, local) : undefined
  if (stickySecondsOf(service))
    return `goto ${own(plan, 'ext', isLocal ? localRules(family, podCidrs, everywhere, here) : outsideRules(everywhere))}`
  const chain = isLocal
    ? localEntranceChain(family, by, podCidrs, cluster.length, local.length)
    : entranceChain(family, by, cluster.length)
  return `goto ${share(plan, chain)}`
}

/** Only who comes from `loadBalancerSourceRanges` gets through to the load balancer's addresses. */
function behindRanges(plan: PortPlan, entrance: string | undefined): string | undefined {
  const { service, family } = plan
  const ranges = (service.spec.loadBalancerSourceRanges ?? []).map(r => r.trim()).filter(r => isOf(family, r))
  const limited = service.spec.type === 'LoadBalancer' && service.spec.loadBalancerSourceRanges?.length
  if (!entrance || !limited) return entrance
  const rules = ranges.map(range => `${family} saddr ${plainAddress(range)} ${entrance}`)
  return `goto ${own(plan, 'from', [...rules, 'drop'])}`
}

/** Leads who calls by `keys` to one of the endpoints. @returns the chain that does so */
function spread(
  plan: PortPlan,
  by: CalledBy,
  reach: Reach,
  keys: readonly string[],
  endpoints: readonly UsableEndpoint[],
): string {
  const { out, protocol, service, family, nodeName } = plan
  // A pod that reaches itself must not see its own address as the peer. Only pods of this node can.
  for (const { ip, node } of endpoints) if (node === undefined || node === nodeName) out.hairpins.add(`${ip} . ${ip}`)
  const stickySeconds = stickySecondsOf(service)
  if (stickySeconds) return stickyChain(out, { ...plan, endpoints, stickySeconds })
  const elements = targetsOf(out, targetMap(by, reach, protocol))
  for (const [i, { ip, port }] of endpoints.entries())
    for (const key of keys) elements.set(`${key} . ${i}`, `${ip} . ${port}`)
  return share(plan, spreadingChain(family, by, reach, endpoints.length))
}

function share({ out }: PortPlan, { name, chains }: SharedChain): string {
  for (const [id, rules] of chains) out.shared.set(id, rules)
  return name
}

/** A chain of this port of this Service alone. */
function own({ out, name }: PortPlan, what: 'ext' | 'from', rules: string[]): string {
  const chain = `${what}-${digest(name)}`
  out.chains.set(chain, rules)
  return chain
}

function groupSlices(slices: readonly EndpointSlice[]): Map<string, EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>()
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceNameLabel]
    if (!service) continue
    const id = `${slice.metadata.namespace}/${service}`
    const group = groups.get(id)
    if (group) group.push(slice)
    else groups.set(id, [slice])
  }
  return groups
}

/** A port that others have at these addresses stays theirs. */
function ingressIps(service: Service, port: ServicePort): string[] {
  return servedIngress(service, port).flatMap(({ ip }) => ip ?? [])
}
