import { cidrInKey, cidrInName, cidrOfKey, defineCalicoKind, familyOf } from './calico-kind.ts'

export interface IpamBlock {
  cidr: string
  /** `host:<node>` */
  affinity?: string
  strictAffinity: boolean
  /** For each address of the block the index of its entry in `attributes`; null: free. */
  allocations: (number | null)[]
  /** Free ordinals, in the order in which they will be given out. */
  unallocated: number[]
  attributes: AllocationAttributes[]
  /** Grows by one with each write. */
  sequenceNumber?: number
  /** What it was when an address was given out, by ordinal. */
  sequenceNumberForAllocation?: Record<string, number>
  deleted?: boolean
}

export interface AllocationAttributes {
  handle_id?: string
  /** Who has it: pod and namespace, or the type of a tunnel; node. */
  secondary?: Record<string, string>
}

const prefix = '/calico/ipam/v2/assignment/'

export const IpamBlock = defineCalicoKind<IpamBlock>({
  kind: 'IPAMBlock',
  plural: 'ipamblocks',
  scope: 'Cluster',
  etcd: {
    prefix,
    keyOf: ({ spec }) => `${prefix}${familyOf(spec.cidr)}/block/${cidrInKey(spec.cidr)}`,
    read(key, value) {
      const cidr = /\/block\/([^/]+)$/.exec(key)?.[1]
      if (!cidr) return undefined
      return { metadata: { name: cidrInName(cidrOfKey(cidr)) }, spec: { strictAffinity: false, ...value } }
    },
    // Calico's own order of fields in etcd; it keeps strictness elsewhere.
    write({ spec: { strictAffinity: _, affinity = null, deleted = false, ...spec } }) {
      return { ...spec, affinity, deleted }
    },
  },
  columns: [
    { name: 'CIDR', cell: b => b.spec.cidr },
    { name: 'NODE', cell: b => nodeOf(b.spec) ?? '<none>' },
    { name: 'USED', cell: b => `${usedIn(b.spec)} of ${b.spec.allocations.length}` },
  ],
})

/** The node that takes its addresses from this block. */
export const nodeOf = ({ affinity }: IpamBlock): string | undefined => /^host:(.+)$/.exec(affinity ?? '')?.[1]

export const usedIn = ({ allocations }: IpamBlock): number => allocations.filter(index => index !== null).length
