import { defineCalicoKind } from './calico-kind.ts'

/** How Felix works on the nodes; the one named `default` holds for all. */
export interface FelixConfiguration {
  ipv6Support?: boolean
  vxlanEnabled?: boolean
  vxlanMTU?: number
  nftablesMode?: 'Auto' | 'Enabled' | 'Disabled'
  logSeverityScreen?: string
}

export const FelixConfiguration = defineCalicoKind<FelixConfiguration>({
  kind: 'FelixConfiguration',
  plural: 'felixconfigurations',
  scope: 'Cluster',
  columns: [{ name: 'NFTABLES', cell: f => f.spec.nftablesMode ?? 'Auto' }],
})
