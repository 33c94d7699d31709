import type { Client } from '../../../client/index.ts'
import { Node, Pod } from '../../../models/kinds/index.ts'
import type { CalicoDatastore } from '../datastore/datastore.ts'
import { installedVersion } from '../install/install.ts'
import { type PoolUsage, poolUsage } from '../ipam/usage.ts'
import { CalicoNodeStatus, ClusterInformation, IpamBlock, IpPool } from '../kinds/index.ts'
import { type NodeReport, nodeReports } from './node-report.ts'

export interface CalicoStatus {
  /** Undefined: its DaemonSet is not there. */
  version: string | undefined
  datastore: string
  /** Calico's programs wait while it is not. */
  datastoreReady: boolean
  pools: PoolUsage[]
  nodes: NodeReport[]
  /** Nodes that were asked for their BGP sessions (CalicoNodeStatus). */
  asked: string[]
  healthy: boolean
}

/** How Calico is, node by node. Blocks are read before the pods that have their addresses. */
export async function calicoStatus(client: Client, datastore: CalicoDatastore): Promise<CalicoStatus> {
  const version = await installedVersion(client)
  const [pools, blocks, information] = await Promise.all([
    datastore.list(IpPool),
    datastore.list(IpamBlock),
    datastore.get(ClusterInformation, 'default'),
  ])
  const asked = await datastore.list(CalicoNodeStatus).catch(() => [])
  const [pods, nodes] = await Promise.all([client.list(Pod), client.list(Node)])
  const reports = nodeReports({ nodes: nodes.items, pods: pods.items, pools, blocks })
  const datastoreReady = information?.spec.datastoreReady ?? false
  return {
    version,
    datastore: datastore.where,
    datastoreReady,
    pools: poolUsage(pools, blocks),
    nodes: reports,
    asked: asked.map(a => a.spec.node),
    healthy: version !== undefined && datastoreReady && reports.every(r => r.problems.length === 0),
  }
}
