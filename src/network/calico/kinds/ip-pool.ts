import { cidrContains, cidrsOverlap, isCIDR, isMasked, prefixLength } from '../../../base/ip.ts'
import { type CalicoObject, defineCalicoKind } from './calico-kind.ts'

export type Encapsulation = 'Never' | 'Always' | 'CrossSubnet'

export interface IpPool {
  /** `10.244.0.0/16` */
  cidr: string
  /** Prefix length of the blocks that nodes take: 26 of IPv4 and 122 of IPv6 unless given. */
  blockSize?: number
  ipipMode?: Encapsulation
  vxlanMode?: Encapsulation
  natOutgoing?: boolean
  /** No new addresses are taken from it. */
  disabled?: boolean
  disableBGPExport?: boolean
  nodeSelector?: string
  namespaceSelector?: string
  allowedUses?: ('Workload' | 'Tunnel' | 'LoadBalancer')[]
  assignmentMode?: 'Automatic' | 'Manual'
}

/** What Calico takes when a pool says nothing. */
export const defaultBlockSize = { ipv4: 26, ipv6: 122 }
const blockSizes = { ipv4: [20, 32], ipv6: [116, 128] } as const
const linkLocal = { ipv4: '169.254.0.0/16', ipv6: 'fe80::/10' }

export const IpPool = defineCalicoKind<IpPool>({
  kind: 'IPPool',
  plural: 'ippools',
  scope: 'Cluster',
  check: checkPool,
  columns: [
    { name: 'CIDR', cell: p => p.spec.cidr },
    { name: 'BLOCKS', cell: p => `/${blockSizeOf(p.spec)}` },
    { name: 'ENCAPSULATION', cell: p => encapsulationText(p.spec) },
    { name: 'NAT', cell: p => String(p.spec.natOutgoing ?? false) },
    { name: 'DISABLED', cell: p => String(p.spec.disabled ?? false) },
    { name: 'SELECTOR', cell: p => p.spec.nodeSelector || 'all()' },
  ],
})

export function blockSizeOf({ blockSize, cidr }: IpPool): number {
  return blockSize ?? defaultBlockSize[cidr.includes(':') ? 'ipv6' : 'ipv4']
}

export function encapsulationText({ ipipMode = 'Never', vxlanMode = 'Never' }: IpPool): string {
  if (vxlanMode !== 'Never') return `VXLAN ${vxlanMode}`
  return ipipMode === 'Never' ? 'none' : `IPIP ${ipipMode}`
}

/** Calico's own rules for pools (libcalico-go/lib/clientv3/ippool.go), so that they are told before anything is written. Pure. */
function checkPool({ metadata, spec }: CalicoObject<IpPool>, others: readonly CalicoObject<IpPool>[]): string[] {
  const { cidr } = spec
  if (!isCIDR(cidr ?? '')) return [`spec.cidr: ${JSON.stringify(cidr)} is not a network such as 10.244.0.0/16`]
  const family = cidr.includes(':') ? 'ipv6' : 'ipv4'
  const found: string[] = []
  if (!isMasked(cidr)) found.push(`spec.cidr: ${cidr} has bits set behind its mask`)
  if (cidrsOverlap(cidr, linkLocal[family]))
    found.push(`spec.cidr: ${cidr} overlaps the link-local network ${linkLocal[family]}`)
  const size = blockSizeOf(spec)
  const [least, most] = blockSizes[family]
  if (size < least || size > most) found.push(`spec.blockSize: ${size} is not between ${least} and ${most}`)
  else if (prefixLength(cidr) > size) found.push(`spec.cidr: ${cidr} is smaller than one block of /${size}`)
  const [ipip, vxlan] = [spec.ipipMode ?? 'Never', spec.vxlanMode ?? 'Never']
  if (ipip !== 'Never' && vxlan !== 'Never') found.push('spec.vxlanMode: only one of ipipMode and vxlanMode may be on')
  if (ipip !== 'Never' && family === 'ipv6') found.push('spec.ipipMode: IPv6 cannot go through IPIP')
  for (const other of others)
    if (other.metadata.name !== metadata.name && cidrsOverlap(cidr, other.spec.cidr))
      found.push(`spec.cidr: ${cidr} overlaps pool ${other.metadata.name}, ${other.spec.cidr}`)
  return found
}

/** The pool that an address belongs to. */
export function poolOf(pools: readonly CalicoObject<IpPool>[], address: string): CalicoObject<IpPool> | undefined {
  return pools.find(pool => cidrContains(pool.spec.cidr, address))
}
