import { defineCalicoKind } from './calico-kind.ts'

/** Which blocks the addresses of one owner are in, and how many. */
export interface IpamHandle {
  handleID: string
  block: Record<string, number>
  deleted?: boolean
}

const prefix = '/calico/ipam/v2/handle/'

export const IpamHandle = defineCalicoKind<IpamHandle>({
  kind: 'IPAMHandle',
  plural: 'ipamhandles',
  scope: 'Cluster',
  etcd: {
    prefix,
    keyOf: ({ spec }) => prefix + spec.handleID,
    read(key, value) {
      const handleID = key.slice(prefix.length)
      return { metadata: { name: handleNameOf(handleID) }, spec: { handleID, ...value } }
    },
    write: ({ spec: { block, deleted = false } }) => ({ block, deleted }),
  },
  columns: [
    { name: 'HANDLE', cell: h => h.spec.handleID },
    { name: 'BLOCKS', cell: h => Object.keys(h.spec.block).join(', ') },
  ],
})

/** Handles are named by container ids and the like; the API takes them in lower case. */
export const handleNameOf = (handleId: string): string => handleId.toLowerCase().replace(/_/g, '-')
