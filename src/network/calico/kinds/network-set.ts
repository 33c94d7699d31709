import { defineCalicoKind } from './calico-kind.ts'

/** Networks that policies find by the labels of the set. */
export interface NetworkSet {
  nets?: string[]
}

const columns = [{ name: 'NETWORKS', cell: (s: { spec: NetworkSet }) => (s.spec.nets ?? []).join(',') }]

/** Of all namespaces. */
export const GlobalNetworkSet = defineCalicoKind<NetworkSet>({
  kind: 'GlobalNetworkSet',
  plural: 'globalnetworksets',
  scope: 'Cluster',
  columns,
})

/** Of one namespace. */
export const CalicoNetworkSet = defineCalicoKind<NetworkSet>({
  kind: 'NetworkSet',
  plural: 'networksets',
  scope: 'Namespaced',
  columns,
})
