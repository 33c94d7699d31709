import { parseQuantity } from '../base/quantity.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
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

/** What a node has left for local volumes: its allocatable ephemeral storage, less what volumes there were promised. */
export function freeBytes(node: Node, volumes: readonly PersistentVolume[]): number {
  const host = node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name
  const all = bytes(node.status?.allocatable?.['ephemeral-storage'])
  const promised = volumes
    .filter(v => v.metadata.annotations?.[provisionedByAnnotation] === localProvisioner && nodeOf(v) === host)
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
        if (storageClass.provisioner !== localProvisioner || !isUsed(className, cache)) continue
        const capacity = String(freeBytes(node, cache.list(PersistentVolume)))
        const at = { namespace, name: `${className}-${key.name}` }
        const known = cache.get(CSIStorageCapacity, at)
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
  if (volume.metadata.annotations?.[provisionedByAnnotation] !== localProvisioner) return []
  const host = nodeOf(volume)
  return cache
    .list(Node)
    .filter(n => (n.metadata.labels?.['kubernetes.io/hostname'] ?? n.metadata.name) === host)
    .map(keyOfNode)
}

/** The first claim of a class makes its capacities wanted. */
function nodesWithout(claim: PersistentVolumeClaim, cache: Cache): ObjectKey[] {
  const name = classOf(claim)
  if (cache.get(StorageClass, { name })?.provisioner !== localProvisioner) return []
  return cache
    .list(Node)
    .map(keyOfNode)
    .filter(node => !cache.get(CSIStorageCapacity, { namespace, name: `${name}-${node.name}` }))
}

const isUsed = (className: string, cache: Cache) =>
  cache.list(PersistentVolumeClaim).some(c => classOf(c) === className)

function capacityOf(node: Node, storageClassName: string, capacity: string) {
  const { name, uid, labels } = node.metadata
  const host = labels?.['kubernetes.io/hostname'] ?? name
  return {
    metadata: {
      namespace,
      name: `${storageClassName}-${name}`,
      // It goes with its node.
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: uid! }],
    },
    storageClassName,
    nodeTopology: { matchLabels: { 'kubernetes.io/hostname': host } },
    capacity,
  }
}
