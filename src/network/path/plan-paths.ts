import { createHash } from 'node:crypto'
import { addressAt } from '../../base/ip.ts'
import { isOnLink, type Uplink } from '../../base/uplink.ts'
import type { Node } from '../../models/kinds/index.ts'

/**
 * How packets between pods of two nodes travel. `vxlan-cross-subnet`: as they are where the other node is on the same network,
 * else in packets of the nodes' own (VXLAN); `vxlan`: always so; `none`: never, whoever routes between the nodes must know the pods' networks.
 */
export type Encapsulation = 'vxlan-cross-subnet' | 'vxlan' | 'none'

/** The way to the pods of another node. */
export interface Path {
  podCidr: string
  /** The next hop: the node itself, or the first address of its pods' network where they are reached through the tunnel. */
  via: string
  tunnel?: TunnelEnd
}

export interface TunnelEnd {
  /** The node's address, that the outer packets go to. */
  nodeIp: string
  /** Of its tunnel device. */
  mac: string
}

export interface PathInput {
  nodes: readonly Node[]
  nodeName: string
  /** Undefined: the node's address is on no interface, so there is no tunnel. */
  uplink: Uplink | undefined
  encapsulation: Encapsulation
}

/** One path for each pod network of each other node, in order of network. Pure. */
export function planPaths({ nodes, nodeName, uplink, encapsulation }: PathInput): Path[] {
  const own = new Set(addressesOf(nodes.find(n => n.metadata.name === nodeName)))
  return nodes
    .filter(node => node.metadata.name !== nodeName)
    .flatMap(node => {
      const ips = addressesOf(node).filter(ip => !own.has(ip))
      return podCidrsOf(node).flatMap(podCidr => pathTo(podCidr, ips, uplink, encapsulation) ?? [])
    })
    .sort((a, b) => (a.podCidr < b.podCidr ? -1 : 1))
}

function pathTo(podCidr: string, ips: string[], uplink: Uplink | undefined, how: Encapsulation): Path | undefined {
  const neighbour = ips.find(ip => isWide(ip) === isWide(podCidr))
  const direct = neighbour === undefined ? undefined : { podCidr, via: neighbour }
  if (how === 'none' || !uplink) return direct
  if (how === 'vxlan-cross-subnet' && neighbour && isOnLink(uplink, neighbour)) return direct
  const nodeIp = ips.find(ip => isWide(ip) === isWide(uplink.ip))
  return nodeIp ? { podCidr, via: tunnelAddress(podCidr), tunnel: { nodeIp, mac: tunnelMac(nodeIp) } } : undefined
}

export const isWide = (address: string): boolean => address.includes(':')

/** Of the primary family first. */
export function podCidrsOf(node: Node): string[] {
  return node.spec.podCIDRs ?? (node.spec.podCIDR ? [node.spec.podCIDR] : [])
}

export function addressesOf(node: Node | undefined): string[] {
  return (node?.status?.addresses ?? []).filter(a => a.type === 'InternalIP').map(a => a.address)
}

/** A node's own address in the tunnel: the first of its pods' network, that no pod gets. */
export const tunnelAddress = (podCidr: string): string => addressAt(podCidr, 0)

/** Made from the node's address, so that nobody needs to be told: locally administered, unicast. */
export function tunnelMac(nodeIp: string): string {
  const bytes = isWide(nodeIp)
    ? ['0e', 'f2', ...createHash('sha256').update(nodeIp).digest('hex').slice(0, 8).match(/../g)!]
    : ['0e', 'f1', ...nodeIp.split('.').map(part => Number(part).toString(16).padStart(2, '0'))]
  return bytes.join(':')
}
