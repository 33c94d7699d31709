import { type CalicoObject, defineCalicoKind } from './calico-kind.ts'

/** A question to a node: Calico answers it in the status. */
export interface CalicoNodeStatus {
  node: string
  classes: ('Agent' | 'BGP' | 'Routes')[]
  updatePeriodSeconds?: number
}

/** One session with another router, as the node tells it. */
export interface BgpSession {
  peer: string
  /** `NodeMesh`, `NodePeer`, `GlobalPeer` */
  type: string
  /** `Established`, or what BIRD is at: `Idle`, `Connect`, `Active`, `OpenSent`, … */
  state: string
  since: string
}

export const CalicoNodeStatus = defineCalicoKind<CalicoNodeStatus>({
  kind: 'CalicoNodeStatus',
  plural: 'caliconodestatuses',
  scope: 'Cluster',
  columns: [{ name: 'NODE', cell: s => s.spec.node }],
})

interface Peer {
  peerIP?: string
  type?: string
  state?: string
  since?: string
}

/** The sessions in an answer; undefined: the node has not answered yet. Pure. */
export function bgpSessionsIn({ status }: CalicoObject<CalicoNodeStatus>): BgpSession[] | undefined {
  const answer = status as { lastUpdated?: string; bgp?: { peersV4?: Peer[]; peersV6?: Peer[] } } | undefined
  if (!answer?.lastUpdated) return undefined
  return [...(answer.bgp?.peersV4 ?? []), ...(answer.bgp?.peersV6 ?? [])].map(
    ({ peerIP = '', type = '', state = 'unknown', since = '' }) => ({ peer: peerIP, type, state, since }),
  )
}
