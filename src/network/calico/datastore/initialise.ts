import type { CalicoKind, CalicoObject } from '../kinds/calico-kind.ts'
import { ClusterInformation, FelixConfiguration, Tier } from '../kinds/index.ts'
import type { CalicoDatastore } from './datastore.ts'

const kubeTierOrders = { 'kube-admin': 1_000, 'kube-baseline': 10_000_000 }
const defaultTierOrder = 1_000_000

/**
 * Writes what Calico's programs refuse to work without, where it is missing: calico-node does the same when it starts. What is
 * there stays as it is.
 * @returns the names of what was written
 */
export async function initialiseDatastore(
  datastore: CalicoDatastore,
  cluster: { guid: string; type: string; version: string },
): Promise<string[]> {
  const written: string[] = []
  const ensure = async <S extends object>(kind: CalicoKind<S>, name: string, spec: S): Promise<CalicoObject<S>> => {
    const found = await datastore.get(kind, name)
    if (found) return found
    written.push(`${kind.kind} ${name}`)
    return datastore.create(kind, { metadata: { name }, spec })
  }
  const tier = (name: string, order: number, defaultAction: 'Deny' | 'Pass') =>
    ensure(Tier, name, { order, defaultAction })
  await tier('default', defaultTierOrder, 'Deny')
  for (const [name, order] of Object.entries(kubeTierOrders)) await tier(name, order, 'Pass')
  await ensure(FelixConfiguration, 'default', {})
  const { guid, type, version } = cluster
  const information = await ensure(ClusterInformation, 'default', {
    clusterGUID: guid,
    clusterType: type,
    calicoVersion: version,
    datastoreReady: true,
  })
  if (!information.spec.datastoreReady) {
    await datastore.update(ClusterInformation, { ...information, spec: { ...information.spec, datastoreReady: true } })
    written.push('ClusterInformation default: datastoreReady')
  }
  return written
}
