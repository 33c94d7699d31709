import { defineCalicoKind } from './calico-kind.ts'

/** How nodes exchange routes; the one named `default` holds for all. */
export interface BgpConfiguration {
  /** Every node with every other; true unless said otherwise. */
  nodeToNodeMeshEnabled?: boolean
  /** 64512 unless said otherwise. */
  asNumber?: number
  serviceClusterIPs?: { cidr: string }[]
  listenPort?: number
}

export const BgpConfiguration = defineCalicoKind<BgpConfiguration>({
  kind: 'BGPConfiguration',
  plural: 'bgpconfigurations',
  scope: 'Cluster',
  columns: [
    { name: 'MESH', cell: c => String(c.spec.nodeToNodeMeshEnabled ?? true) },
    { name: 'AS', cell: c => String(c.spec.asNumber ?? 64512) },
  ],
})
