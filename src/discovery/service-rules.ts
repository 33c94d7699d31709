import { createHash } from 'node:crypto'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'

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

export interface RuleInput {
  services: readonly Service[]
  slices: readonly EndpointSlice[]
  nodeName: string
}

interface Endpoint {
  ip: string
  port: number
  node: string | undefined
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

/** What the rules must be for these Services. Pure. */
export function planServiceRules(input: RuleInput): RuleSet {
  const out = emptyRules()
  const slicesOf = groupSlices(input.slices)
  for (const service of input.services) {
    const { spec } = service
    if (!spec.clusterIP || spec.clusterIP === 'None' || spec.type === 'ExternalName') continue
    if (service.metadata.annotations?.[nodeLocalAnnotation] === 'true') continue
    const id = `${service.metadata.namespace}/${service.metadata.name}`
    for (const port of spec.ports ?? []) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase()
      const endpoints = usableEndpoints(slicesOf.get(id) ?? [], port.name ?? '', port.protocol ?? 'TCP')
      const local = endpoints.filter(e => e.node === input.nodeName)
      const inside = spec.internalTrafficPolicy === 'Local' ? local : endpoints
      const outside = spec.externalTrafficPolicy === 'Local' ? local : endpoints
      const name = `${id}:${port.name ?? port.port}/${protocol}`
      const lead = (ips: string[], chain: string | undefined) => {
        for (const ip of ips.filter(address => !address.includes(':'))) {
          const key = `${ip} . ${protocol} . ${port.port}`
          if (chain) out.clusterIps.set(key, `goto ${chain}`)
          else out.withoutEndpoints.add(key)
        }
      }
      lead([spec.clusterIP], inside.length ? balance(out, name, protocol, service, inside) : undefined)
      const external = [...(spec.externalIPs ?? []), ...ingressIps(service)]
      if (!port.nodePort && !external.length) continue
      const entrance = outside.length ? fromOutside(out, name, protocol, service, outside) : undefined
      lead(external, entrance)
      if (port.nodePort && entrance) out.nodePorts.set(`${protocol} . ${port.nodePort}`, `goto ${entrance}`)
    }
  }
  return out
}

/** Adds the chain for who comes from outside; returns its name. */
function fromOutside(out: RuleSet, name: string, protocol: string, service: Service, endpoints: Endpoint[]): string {
  const target = balance(out, name, protocol, service, endpoints)
  const keepsSource = service.spec.externalTrafficPolicy === 'Local'
  const chain = `ext-${digest(name)}`
  // The answer must come back through this node, unless the pod is here and wants the client's address.
  out.chains.set(chain, [...(keepsSource ? [] : [`meta mark set meta mark or ${masqueradeMark}`]), `goto ${target}`])
  return chain
}

/** Adds the chains that spread connections over `endpoints`; returns the first one's name. */
function balance(out: RuleSet, name: string, protocol: string, service: Service, endpoints: Endpoint[]): string {
  const { sessionAffinity, sessionAffinityConfig } = service.spec
  const stickySeconds = sessionAffinity === 'ClientIP' ? (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0
  const chain = `svc-${digest(name + endpoints.map(e => `${e.ip}:${e.port}`).join() + stickySeconds)}`
  if (out.chains.has(chain)) return chain
  const sticky: string[] = []
  const targets = endpoints.map(e => {
    const id = digest(`${name}>${e.ip}:${e.port}/${stickySeconds}`)
    if (stickySeconds) {
      out.sets.set(`sticky-${id}`, `flags dynamic,timeout; timeout ${stickySeconds}s;`)
      sticky.push(`ip saddr @sticky-${id} goto ep-${id}`)
    }
    out.chains.set(`ep-${id}`, [
      // A pod that reaches itself through its Service must not see its own address as the peer.
      `ip saddr ${e.ip} meta mark set meta mark or ${masqueradeMark}`,
      ...(stickySeconds ? [`update @sticky-${id} { ip saddr }`] : []),
      `meta l4proto ${protocol} dnat to ${e.ip}:${e.port}`,
    ])
    return `ep-${id}`
  })
  const spread = `numgen random mod ${targets.length} vmap { ${targets.map((t, i) => `${i} : goto ${t}`).join(', ')} }`
  out.chains.set(chain, [...sticky, targets.length === 1 ? `goto ${targets[0]}` : spread])
  return chain
}

/** Ready endpoints; if none is, those that still serve while they terminate. In a stable order. */
function usableEndpoints(slices: readonly EndpointSlice[], portName: string, protocol: string): Endpoint[] {
  const ready: Endpoint[] = []
  const terminating: Endpoint[] = []
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    const port = slice.ports?.find(p => (p.name ?? '') === portName && (p.protocol ?? 'TCP') === protocol)?.port
    if (!port) continue
    for (const e of slice.endpoints ?? []) {
      const c = e.conditions ?? {}
      const list = c.ready !== false ? ready : c.serving && c.terminating ? terminating : undefined
      for (const ip of e.addresses) list?.push({ ip, port, node: e.nodeName })
    }
  }
  const unique = new Map((ready.length ? ready : terminating).map(e => [`${e.ip}:${e.port}`, e]))
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, e]) => e)
}

function groupSlices(slices: readonly EndpointSlice[]): Map<string, EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>()
  for (const slice of slices) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name']
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
