import { parseQuantity } from '../base/quantity.ts'
import type { Cache, CacheIndex, Reconciler } from '../client/reconciler.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import {
  CSIStorageCapacity,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '../models/kinds/index.ts'
import { localFolderAnnotation, localProvisioner, provisionedByAnnotation } from '../models/local-volume.ts'
import type { ObjectKey } from '../models/object.ts'
import { classOf } from './volume-match.ts'

const namespace = 'kube-system'

/** The node of a local volume, by its host name. */
export function nodeOf(volume: PersistentVolume): string | undefined {
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms
  return terms?.[0]?.matchExpressions?.find(e => e.key === 'kubernetes.io/hostname')?.values?.[0]
}

const isLocal = ({ metadata }: PersistentVolume) => metadata.annotations?.[provisionedByAnnotation] === localProvisioner

/** Volumes that were made on a node, by its host name. */
export const localVolumes: CacheIndex<PersistentVolume> = {
  kind: PersistentVolume,
  name: 'local',
  values: volume => (isLocal(volume) ? [nodeOf(volume) ?? ''] : []),
}
const nodesByHost: CacheIndex<Node> = { kind: Node, name: 'host', values: node => [hostOf(node)] }
const claimsByClass: CacheIndex<PersistentVolumeClaim> = {
  kind: PersistentVolumeClaim,
  name: 'class',
  values: claim => [classOf(claim)],
}

export const hostOf = ({ metadata }: Node): string => metadata.labels?.['kubernetes.io/hostname'] ?? metadata.name

/** What a node has left for local volumes: its allocatable ephemeral storage, less what volumes there were promised. */
export function freeBytes(node: Node, volumes: readonly PersistentVolume[]): number {
  const host = hostOf(node)
  const all = bytes(node.status?.allocatable?.['ephemeral-storage'])
  const promised = volumes
    .filter(v => isLocal(v) && nodeOf(v) === host)
    .reduce((sum, v) => sum + bytes(v.spec.capacity?.['storage']), 0)
  return Math.max(all - promised, 0)
}

const bytes = (quantity = '0') => Number(parseQuantity(quantity).nano / 1_000_000_000n)

/**
 * Tells the scheduler how much room each node has for local volumes: one CSIStorageCapacity per node and class. None are
 * written before the first claim of such a class, so that a cluster that does not use it does not pay for it.
 */
export function localCapacityReconciler(): Reconciler {
  return {
    name: 'local-volume-capacity',
    primary: Node,
    watches: [
      { kind: PersistentVolume, keys: nodesOf },
      { kind: PersistentVolumeClaim, keys: nodesWithout },
      { kind: StorageClass, keys: (_: StorageClass, cache: Cache) => cache.list(Node).map(keyOfNode) },
      { kind: CSIStorageCapacity, keys: () => [] },
    ],
    writes: [{ kind: CSIStorageCapacity, part: 'owned' }],
    async reconcile(key, { cache, client }) {
      const node = cache.get(Node, key)
      if (!node?.metadata.annotations?.[localFolderAnnotation] || node.metadata.deletionTimestamp) return
      for (const storageClass of cache.list(StorageClass)) {
        const className = storageClass.metadata.name
        if (storageClass.provisioner !== localProvisioner) continue
        const at = { namespace, name: `${className}-${key.name}` }
        const known = cache.get(CSIStorageCapacity, at)
        if (!known && !cache.byIndex(claimsByClass, className).length) continue
        const capacity = String(freeBytes(node, cache.byIndex(localVolumes, hostOf(node))))
        if (known?.capacity === capacity) continue
        if (known) await client.patch(CSIStorageCapacity, at, { type: 'merge', body: { capacity } })
        else
          await client.create(CSIStorageCapacity, capacityOf(node, className, capacity)).catch(error => {
            if (!isAlreadyExists(error)) throw error
          })
      }
    },
  }
}

const keyOfNode = (node: Node): ObjectKey => ({ name: node.metadata.name })

function nodesOf(volume: PersistentVolume, cache: Cache): ObjectKey[] {
  return isLocal(volume) ? cache.byIndex(nodesByHost, nodeOf(volume) ?? '').map(keyOfNode) : []
}

/** The first claim of a class makes its capacities wanted. */
function nodesWithout(claim: PersistentVolumeClaim, cache: Cache): ObjectKey[] {
  const name = classOf(claim)
  if (claim.spec.volumeName) return []
  if (cache.get(StorageClass, { name })?.provisioner !== localProvisioner) return []
  return cache
    .list(Node)
    .map(keyOfNode)
    .filter(node => !cache.get(CSIStorageCapacity, { namespace, name: `${name}-${node.name}` }))
}

function capacityOf(node: Node, storageClassName: string, capacity: string) {
  const { name, uid } = node.metadata
  return {
    metadata: {
      namespace,
      name: `${storageClassName}-${name}`,
      // It goes with its node.
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: uid! }],
    },
    storageClassName,
    nodeTopology: { matchLabels: { 'kubernetes.io/hostname': hostOf(node) } },
    capacity,
  }
}
