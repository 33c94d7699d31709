import type { Node } from '../models/kinds/index.ts'

/** Pods of another node, and that node's address on the LAN. */
export interface Route {
  podCidr: string
  via: string
}

/** One route for each other node that has a pod CIDR and an IPv4 address. In order of CIDR. Pure. */
export function planRoutes(nodes: readonly Node[], own: string): Route[] {
  const ownIp = internalIp(nodes.find(n => n.metadata.name === own))
  return nodes
    .flatMap(node => {
      const via = internalIp(node)
      const podCidr = node.spec.podCIDR
      return node.metadata.name !== own && via && via !== ownIp && podCidr ? [{ podCidr, via }] : []
    })
    .sort((a, b) => (a.podCidr < b.podCidr ? -1 : 1))
}

function internalIp(node: Node | undefined): string | undefined {
  return node?.status?.addresses?.find(a => a.type === 'InternalIP' && !a.address.includes(':'))?.address
}
