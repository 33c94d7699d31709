import { defineCalicoKind } from './calico-kind.ts'

/** What kind of cluster this is; the CNI plugin refuses to work before `datastoreReady`. */
export interface ClusterInformation {
  clusterGUID?: string
  clusterType?: string
  calicoVersion?: string
  datastoreReady?: boolean
}

export const ClusterInformation = defineCalicoKind<ClusterInformation>({
  kind: 'ClusterInformation',
  plural: 'clusterinformations',
  scope: 'Cluster',
  columns: [
    { name: 'VERSION', cell: c => c.spec.calicoVersion ?? '' },
    { name: 'READY', cell: c => String(c.spec.datastoreReady ?? false) },
  ],
})
