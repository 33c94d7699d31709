import { createHash } from 'node:crypto'
import { canonicalIP, isIP } from '../../base/ip.ts'
import { poolCondition } from '../../models/address-pool.ts'
import { byAge } from '../../models/age.ts'
import type { EndpointSlice, Node, Service } from '../../models/kinds/index.ts'
import { isOurs, nameOf, type Placement, readyNodes, usableAddresses } from '../load-balancer-plan.ts'
import type { AddressPool } from './pool.ts'

/** With it a Service names its addresses, one of each family: `192.0.2.100,fd00::100`. `spec.loadBalancerIP` does so for one. */
export const addressAnnotation = 'optiflow.dev/load-balancer-ips'

/**
 * Which addresses of the pool Services have: what they have already, what they ask for, else the first that is free; of two
 * that want the same the older one gets it. By `namespace/name`. Pure.
 */
export function planPool(services: readonly Service[], pool: AddressPool): Map<string, Placement> {
  const ours = services.filter(isOurs).toSorted(byAge)
  const owner = new Map<string, string>()
  const out = new Map<string, Placement>()
  const claims = ours.map(service => ({ service, wanted: claimOf(service, pool) }))
  // What somebody has or asks for is no longer free, also for those who are older.
  for (const { service, wanted } of claims) for (const ip of wanted) if (!owner.has(ip)) owner.set(ip, nameOf(service))
  for (const { service, wanted } of claims) {
    const name = nameOf(service)
    const foreign = wanted.find(ip => !pool.contains(ip))
    const lost = wanted.find(ip => owner.get(ip) !== name)
    const asks = asked(service).length > 0
    if (foreign !== undefined) out.set(name, { addresses: [], problem: `${foreign} is not in the address pool` })
    else if (lost !== undefined && asks)
      out.set(name, { addresses: [], problem: `${lost} is service ${owner.get(lost)}'s` })
    else if (asks) out.set(name, { addresses: wanted })
    else out.set(name, fill(service, pool, owner))
  }
  return out
}

/** One address for each family of the Service: what is its own already, else a free one. */
function fill(service: Service, pool: AddressPool, owner: Map<string, string>): Placement {
  const name = nameOf(service)
  const own = claimOf(service, pool).filter(ip => owner.get(ip) === name)
  const addresses = familiesOf(service).flatMap(family => {
    const ip = own.find(has => familyOf(has) === family) ?? pool.firstFree(family, new Set(owner.keys()))
    if (ip) owner.set(ip, name)
    return ip ?? []
  })
  return addresses.length ? { addresses } : { addresses: [], problem: 'no address of the pool is free' }
}

const familyOf = (ip: string) => (ip.includes(':') ? 'IPv6' : 'IPv4')
const familiesOf = ({ spec }: Service): string[] => (spec.ipFamilies?.length ? spec.ipFamilies : ['IPv4'])

function claimOf(service: Service, pool: AddressPool): string[] {
  const asks = asked(service)
  if (asks.length) return asks
  const has = (service.status?.loadBalancer?.ingress ?? []).flatMap(i => (i.ip && pool.contains(i.ip) ? [i.ip] : []))
  return has.filter(ip => familiesOf(service).includes(familyOf(ip)))
}

function asked({ spec, metadata }: Service): string[] {
  const text = metadata.annotations?.[addressAnnotation] ?? spec.loadBalancerIP ?? ''
  return text
    .split(',')
    .map(ip => ip.trim())
    .filter(Boolean)
    .map(ip => (isIP(ip) ? canonicalIP(ip) : ip))
}

export interface AnnouncementInput {
  services: readonly Service[]
  nodes: readonly Node[]
  slices(service: Service): readonly EndpointSlice[]
  nodeName: string
}

/** The addresses of the pool that this node announces. Every node comes to the same answer by itself. Pure. */
export function planAnnouncements({ services, nodes, slices, nodeName }: AnnouncementInput): string[] {
  const usable = nodes.filter(node => usableAddresses(node).length).map(node => node.metadata.name)
  return services.filter(isPooled).flatMap(service => {
    const local = service.spec.externalTrafficPolicy === 'Local'
    const having = new Set(local ? slices(service).flatMap(readyNodes) : [])
    const candidates = usable.filter(name => !local || having.has(name))
    return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) =>
      ip && announcerOf(ip, candidates) === nodeName ? [ip] : [],
    )
  })
}

const isPooled = (service: Service): boolean =>
  isOurs(service) && (service.status?.conditions ?? []).some(c => c.type === poolCondition && c.status === 'True')

/** One of the nodes, the same whoever asks; a node that goes or comes moves no address but its own. */
export function announcerOf(ip: string, nodes: readonly string[]): string | undefined {
  const weight = (node: string) => createHash('sha256').update(`${ip} ${node}`).digest('hex')
  return [...nodes].sort((a, b) => (weight(a) < weight(b) ? -1 : 1))[0]
}
