import type { Client } from '../../../client/index.ts'
import { Node, Pod } from '../../../models/kinds/index.ts'
import type { CalicoDatastore } from '../datastore/datastore.ts'
import { installedVersion } from '../install/install.ts'
import { type PoolUsage, poolUsage } from '../ipam/usage.ts'
import { ClusterInformation, IpamBlock, IpPool } from '../kinds/index.ts'
import { askBgpSessions, type BgpQuestion, type NodeBgp, usesBgp } from './bgp-sessions.ts'
import { calicoRunsOn, type NodeReport, nodeReports } from './node-report.ts'

export interface CalicoStatus {
  /** Undefined: its DaemonSet is not there. */
  version: string | undefined
  datastore: string
  /** Calico's programs wait while it is not. */
  datastoreReady: boolean
  pools: PoolUsage[]
  nodes: NodeReport[]
  /** In words: whether routes come by BGP, and whether nodes were asked for their sessions. */
  bgp: string
  healthy: boolean
}

/**
 * How Calico is, node by node. Blocks are read before the pods that have their addresses.
 * @param question nodes are asked for their BGP sessions, where there are any; undefined: nothing is written
 */
export async function calicoStatus(
  client: Client,
  datastore: CalicoDatastore,
  question?: BgpQuestion,
): Promise<CalicoStatus> {
  const version = await installedVersion(client)
  const [pools, blocks, information] = await Promise.all([
    datastore.list(IpPool),
    datastore.list(IpamBlock),
    datastore.get(ClusterInformation, 'default'),
  ])
  const [pods, nodes, routed] = await Promise.all([client.list(Pod), client.list(Node), usesBgp(client)])
  const running = nodes.items.map(n => n.metadata.name).filter(name => calicoRunsOn(pods.items, name))
  const bgp = routed && question ? await askBgpSessions(datastore, running, question) : new Map<string, NodeBgp>()
  const reports = nodeReports({ nodes: nodes.items, pods: pods.items, pools, blocks, bgp })
  const datastoreReady = information?.spec.datastoreReady ?? false
  return {
    version,
    datastore: datastore.where,
    datastoreReady,
    pools: poolUsage(pools, blocks),
    nodes: reports,
    bgp: bgpText(routed, question !== undefined),
    healthy: version !== undefined && datastoreReady && reports.every(r => r.problems.length === 0),
  }
}

function bgpText(routed: boolean, asked: boolean): string {
  if (!routed) return 'not used: nodes take their routes from the datastore (VXLAN)'
  return asked ? 'sessions as calico-node tells them' : 'sessions were not asked for'
}
