import { cidrInKey, cidrInName, cidrOfKey, defineCalicoKind, familyOf } from './calico-kind.ts'

/** That a node takes its addresses from a block. */
export interface BlockAffinity {
  cidr: string
  node: string
  state: 'pending' | 'confirmed' | 'pendingDeletion'
  /** A word, not a boolean: Calico's schema has it so. */
  deleted: string
  type?: string
}

const prefix = '/calico/ipam/v2/host/'

export const BlockAffinity = defineCalicoKind<BlockAffinity>({
  kind: 'BlockAffinity',
  plural: 'blockaffinities',
  scope: 'Cluster',
  etcd: {
    prefix,
    keyOf: ({ spec }) => `${prefix}${spec.node}/${familyOf(spec.cidr)}/block/${cidrInKey(spec.cidr)}`,
    read(key, value) {
      const [, node, cidr] = /^([^/]+)\/ipv[46]\/block\/([^/]+)$/.exec(key.slice(prefix.length)) ?? []
      if (!node || !cidr) return undefined
      const { state = 'confirmed', deleted = false } = value ?? {}
      const spec = { cidr: cidrOfKey(cidr), node, state, deleted: String(deleted) }
      return { metadata: { name: `${node}-${cidrInName(spec.cidr)}` }, spec }
    },
    write: ({ spec: { state, deleted } }) => ({ state, deleted: deleted === 'true' }),
  },
  columns: [
    { name: 'NODE', cell: a => a.spec.node },
    { name: 'CIDR', cell: a => a.spec.cidr },
    { name: 'STATE', cell: a => a.spec.state },
  ],
})
