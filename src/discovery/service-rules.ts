import { createHash } from 'node:crypto'
import { plainAddress } from '../base/ip.ts'
import type { NftFamily } from '../base/nft-table.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import type { UsableEndpoint } from '../models/usable-endpoints.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { chooseEndpoints, type Endpoints, isOf, type Viewpoint } from './endpoint-choice.ts'
import { headlessLabel } from './service-pods.ts'

/**
 * The wanted nftables state as named pieces, so that a change touches only what it concerns: chains by name with their
 * rules, sets that chains need, and elements of the maps that lead to them.
 */
export interface RuleSet {
  /** Name → rules, one a line. */
  chains: Map<string, string[]>
  /** Sets of client addresses: name → how long they are kept. */
  sets: Map<string, string>
  /** `10.96.0.1 . tcp . 443` → `goto svc-…` */
  clusterIps: Map<string, string>
  /** `tcp . 30080` → `goto ext-…` */
  nodePorts: Map<string, string>
  /** `10.96.0.7 . tcp . 80`: a Service without a ready endpoint; connections are refused at once. */
  withoutEndpoints: Set<string>
}

/** Packets with this mark get the node's own address as source on their way out. Below Calico's 0xffff0000. */
export const masqueradeMark = '0x4000'

/** A Service with this annotation is answered on the node itself: no rule may touch its address. */
export const nodeLocalAnnotation = 'optiflow.dev/node-local'

/** Each family has rules of its own. */
export interface RuleInput extends Viewpoint {
  services: readonly Service[]
  slices: readonly EndpointSlice[]
  /** Addresses of pods, `10.244.0.0/16`: who comes from there is inside, whatever address it calls. */
  podCidrs?: readonly string[]
}

export function emptyRules(): RuleSet {
  return {
    chains: new Map(),
    sets: new Map(),
    clusterIps: new Map(),
    nodePorts: new Map(),
    withoutEndpoints: new Set(),
  }
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
        out,
        name,
        protocol,
        service,
        endpoints,
        podCidrs: (input.podCidrs ?? []).filter(mine),
        family,
      }
      const lead = (ips: string[], verdict: string | undefined) => {
        for (const ip of ips.filter(mine)) {
          const key = `${plainAddress(ip)} . ${protocol} . ${port.port}`
          if (verdict) out.clusterIps.set(key, verdict)
          else out.withoutEndpoints.add(key)
        }
      }
      lead(spec.clusterIPs ?? [spec.clusterIP], fromInside(plan))
      const given = ingressIps(service)
      if (!port.nodePort && !given.length && !spec.externalIPs?.length) continue
      const entrance = fromOutside(plan)
      lead(spec.externalIPs ?? [], entrance)
      lead(given, entrance && behindRanges(plan, entrance))
      if (port.nodePort && entrance) out.nodePorts.set(`${protocol} . ${port.nodePort}`, entrance)
    }
  }
  return out
}

/** One port of one Service, while its rules are made. */
interface PortPlan {
  out: RuleSet
  name: string
  protocol: string
  service: Service
  endpoints: Endpoints
  /** Those of this family. */
  podCidrs: readonly string[]
  family: NftFamily
}

/** What becomes of who calls the cluster IP: a verdict; undefined: nobody answers anywhere, it is refused. */
function fromInside(plan: PortPlan): string | undefined {
  const { cluster, local } = plan.endpoints
  if (!cluster.length) return undefined
  if (plan.service.spec.internalTrafficPolicy !== 'Local') return `goto ${balance(plan, cluster)}`
  // Others may answer elsewhere: nobody is told that the Service is gone.
  return local.length ? `goto ${balance(plan, local)}` : 'drop'
}

/** The same for who calls an address outside the cluster or a node port. */
function fromOutside(plan: PortPlan): string | undefined {
  const { out, name, service, endpoints, podCidrs, family } = plan
  const { cluster, local } = endpoints
  if (!cluster.length) return undefined
  const chain = `ext-${digest(name)}`
  const everywhere = `goto ${balance(plan, cluster)}`
  const throughHere = `meta mark set meta mark or ${masqueradeMark}`
  out.chains.set(
    chain,
    service.spec.externalTrafficPolicy === 'Local'
      ? [
          // Pods and the node itself are inside; only who is outside is kept to this node, with its own address.
          ...podCidrs.map(cidr => `${family} saddr ${cidr} ${everywhere}`),
          `fib saddr type local ${throughHere} ${everywhere}`,
          local.length ? `goto ${balance(plan, local)}` : 'drop',
        ]
      : // The answer must come back through this node.
        [throughHere, everywhere],
  )
  return `goto ${chain}`
}

/** Only who comes from `loadBalancerSourceRanges` gets through to the load balancer's addresses. */
function behindRanges({ out, name, service, family }: PortPlan, entrance: string): string {
  const ranges = (service.spec.loadBalancerSourceRanges ?? []).map(r => r.trim()).filter(r => isOf(family, r))
  if (service.spec.type !== 'LoadBalancer' || !service.spec.loadBalancerSourceRanges?.length) return entrance
  const chain = `from-${digest(name)}`
  out.chains.set(chain, [...ranges.map(range => `${family} saddr ${plainAddress(range)} ${entrance}`), 'drop'])
  return `goto ${chain}`
}

/** Adds the chains that spread connections over `endpoints`; returns the first one's name. */
function balance({ out, name, protocol, service, family }: PortPlan, endpoints: readonly UsableEndpoint[]): string {
  const { sessionAffinity, sessionAffinityConfig } = service.spec
  const stickySeconds = sessionAffinity === 'ClientIP' ? (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0
  const chain = `svc-${digest(name + endpoints.map(e => `${e.ip}:${e.port}`).join() + stickySeconds)}`
  if (out.chains.has(chain)) return chain
  const sticky: string[] = []
  const targets = endpoints.map(e => {
    const id = digest(`${name}>${e.ip}:${e.port}/${stickySeconds}`)
    if (stickySeconds) {
      out.sets.set(`sticky-${id}`, `flags dynamic,timeout; timeout ${stickySeconds}s;`)
      sticky.push(`${family} saddr @sticky-${id} goto ep-${id}`)
    }
    out.chains.set(`ep-${id}`, [
      // A pod that reaches itself through its Service must not see its own address as the peer.
      `${family} saddr ${e.ip} meta mark set meta mark or ${masqueradeMark}`,
      ...(stickySeconds ? [`update @sticky-${id} { ${family} saddr }`] : []),
      `meta l4proto ${protocol} dnat to ${family === 'ip6' ? `[${e.ip}]` : e.ip}:${e.port}`,
    ])
    return `ep-${id}`
  })
  const spread = `numgen random mod ${targets.length} vmap { ${targets.map((t, i) => `${i} : goto ${t}`).join(', ')} }`
  out.chains.set(chain, [...sticky, targets.length === 1 ? `goto ${targets[0]}` : spread])
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

function ingressIps(service: Service): string[] {
  return (service.status?.loadBalancer?.ingress ?? []).flatMap(i => (i.ip ? [i.ip] : []))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
