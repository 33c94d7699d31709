import { defineCalicoKind } from './calico-kind.ts'

/** A question to a node: Calico answers it in the status. */
export interface CalicoNodeStatus {
  node: string
  classes: ('Agent' | 'BGP' | 'Routes')[]
  updatePeriodSeconds?: number
}

export const CalicoNodeStatus = defineCalicoKind<CalicoNodeStatus>({
  kind: 'CalicoNodeStatus',
  plural: 'caliconodestatuses',
  scope: 'Cluster',
  columns: [{ name: 'NODE', cell: s => s.spec.node }],
})
