import { isIP } from '../../../base/ip.ts'
import { defineCalicoKind } from './calico-kind.ts'

/** A router that nodes exchange routes with. */
export interface BgpPeer {
  /** Of this node alone. */
  node?: string
  nodeSelector?: string
  /** `10.0.0.1`, or `10.0.0.1:1790` */
  peerIP?: string
  peerSelector?: string
  /** Of pods on the node itself that it exchanges routes with. */
  localWorkloadSelector?: string
  asNumber?: number
}

const largestAsNumber = 4_294_967_295

export const BgpPeer = defineCalicoKind<BgpPeer>({
  kind: 'BGPPeer',
  plural: 'bgppeers',
  scope: 'Cluster',
  check({ spec }) {
    const found: string[] = []
    const address = (spec.peerIP ?? '').replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
    if (spec.peerIP && !isIP(address)) found.push(`spec.peerIP: ${JSON.stringify(spec.peerIP)} is not an address`)
    if (spec.peerIP && spec.peerSelector) found.push('spec.peerSelector: not together with peerIP')
    if (!spec.peerIP && !spec.peerSelector && !spec.localWorkloadSelector)
      found.push('spec.peerIP: one of peerIP and peerSelector is needed')
    if (spec.node && spec.nodeSelector) found.push('spec.nodeSelector: not together with node')
    if (spec.peerIP && spec.asNumber === undefined) found.push('spec.asNumber: needed with peerIP')
    if (
      spec.asNumber !== undefined &&
      !(Number.isInteger(spec.asNumber) && spec.asNumber >= 0 && spec.asNumber <= largestAsNumber)
    )
      found.push(`spec.asNumber: ${spec.asNumber} is not a whole number from 0 to ${largestAsNumber}`)
    return found
  },
  columns: [
    { name: 'PEER', cell: p => p.spec.peerIP ?? p.spec.peerSelector ?? '' },
    { name: 'AS', cell: p => String(p.spec.asNumber ?? '') },
    { name: 'NODES', cell: p => p.spec.node ?? p.spec.nodeSelector ?? 'all' },
  ],
})
