import { parseQuantity } from '../base/quantity.ts'
import { callJson } from '../client/call-json.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../models/kinds/index.ts'
import {
  isLocalFolderName,
  localFolderAnnotation,
  localProvisioner,
  localVolumesPath,
  provisionedByAnnotation,
} from '../models/local-volume.ts'
import { keyOf } from '../models/object.ts'
import type { StorageClass as Class } from '../models/types/storage-v1.ts'
import { freeBytes, nodeOf } from './local-capacity.ts'
import type { VolumeDeleter } from './persistent-volume.ts'
import { classOf } from './volume-match.ts'

const selectedNode = 'volume.kubernetes.io/selected-node'
const provisioner = 'volume.kubernetes.io/storage-provisioner'
const singleNode = ['ReadWriteOnce', 'ReadWriteOncePod']

/**
 * Makes the volumes of claims that ask for a folder of a node. Only the object is made here: the node's agent makes the
 * folder when the first pod mounts it. The name follows from the claim's uid, so nothing is ever made twice.
 */
export function localVolumeReconciler(): Reconciler {
  return {
    name: 'local-volume-provisioner',
    primary: PersistentVolumeClaim,
    watches: [
      { kind: Node, keys: (node: Node, cache: Cache) => waitingFor(node.metadata.name, cache) },
      { kind: StorageClass, keys: () => [] },
      { kind: PersistentVolume, keys: () => [] },
    ],
    writes: [
      { kind: PersistentVolume, part: 'owned' },
      { kind: PersistentVolumeClaim, part: 'metadata' },
    ],
    // One at a time: two claims must not take the same room.
    concurrency: 1,
    async reconcile(key, world) {
      const claim = world.cache.get(PersistentVolumeClaim, key)
      if (!claim || !isOurs(claim) || claim.spec.volumeName || claim.metadata.deletionTimestamp) return
      const node = claim.metadata.annotations?.[selectedNode]
      const found = world.cache.get(StorageClass, { name: classOf(claim) })
      if (node && found) await provision(world, claim, node, found)
    },
  }
}

const isOurs = ({ metadata }: PersistentVolumeClaim) => metadata.annotations?.[provisioner] === localProvisioner

function waitingFor(node: string, cache: Cache) {
  return cache
    .list(PersistentVolumeClaim)
    .filter(c => !c.spec.volumeName && isOurs(c) && c.metadata.annotations?.[selectedNode] === node)
    .map(keyOf)
}

async function provision(world: World, claim: PersistentVolumeClaim, nodeName: string, found: Class): Promise<void> {
  const { cache, client, events } = world
  const node = cache.get(Node, { name: nodeName })
  // The volumes as the server has them: what was just given away is taken.
  const { items } = await client.list(PersistentVolume)
  if (items.some(v => v.metadata.name === nameOf(claim))) return
  const problem = node ? refusal(claim, node, items) : `node "${nodeName}" is gone`
  if (problem) {
    events.warning(
      claim,
      'ProvisioningFailed',
      `failed to provision volume with StorageClass "${found.metadata.name}": ${problem}`,
    )
    return elsewhere(world, claim)
  }
  try {
    await client.create(PersistentVolume, localVolume(claim, node!, found))
    events.normal(claim, 'ProvisioningSucceeded', `Successfully provisioned volume ${nameOf(claim)}`)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

const nameOf = ({ metadata }: PersistentVolumeClaim) => `pvc-${metadata.uid}`

/** Why this node cannot give the claim a volume; undefined if it can. */
export function refusal(
  claim: PersistentVolumeClaim,
  node: Node,
  volumes: readonly PersistentVolume[],
): string | undefined {
  const name = node.metadata.name
  if (!node.metadata.annotations?.[localFolderAnnotation]) return `node "${name}" keeps no local volumes`
  if (claim.spec.volumeMode === 'Block')
    return 'folders of a node cannot be block volumes; ask for volumeMode Filesystem'
  const shared = claim.spec.accessModes?.find(mode => !singleNode.includes(mode))
  if (shared) return `a folder of one node cannot be ${shared}; ask for ReadWriteOnce`
  const wanted = Number(parseQuantity(claim.spec.resources?.requests?.['storage'] ?? '0').nano / 1_000_000_000n)
  const free = freeBytes(node, volumes)
  return wanted > free ? `node "${name}" has ${free} bytes left for local volumes, ${wanted} are asked for` : undefined
}

/** The scheduler chooses again for a claim that is not promised to a node. */
async function elsewhere({ client }: World, claim: PersistentVolumeClaim): Promise<void> {
  const { resourceVersion } = claim.metadata
  const body = { metadata: { resourceVersion, annotations: { [selectedNode]: null } } }
  await client.patch(PersistentVolumeClaim, keyOf(claim), { type: 'merge', body })
}

export function localVolume(claim: PersistentVolumeClaim, node: Node, found: Class) {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const folder = `${nameOf(claim)}_${namespace}_${name}`
  return {
    metadata: { name: nameOf(claim), annotations: { [provisionedByAnnotation]: localProvisioner } },
    spec: {
      capacity: { storage: claim.spec.resources!.requests!['storage']! },
      accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
      volumeMode: 'Filesystem' as const,
      persistentVolumeReclaimPolicy: found.reclaimPolicy ?? 'Delete',
      storageClassName: found.metadata.name,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: namespace!, name, uid, resourceVersion },
      local: { path: `${node.metadata.annotations![localFolderAnnotation]}/${folder}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                {
                  key: 'kubernetes.io/hostname',
                  operator: 'In' as const,
                  values: [node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name],
                },
              ],
            },
          ],
        },
      },
    },
  }
}

/** Has the agent of the volume's node delete the folder. A node that is gone took its data along. */
export const localVolumeDeleter: VolumeDeleter = {
  accepts: volume => volume.metadata.annotations?.[provisionedByAnnotation] === localProvisioner,
  async delete(volume, { client }) {
    const name = volume.spec.local?.path.split('/').pop() ?? ''
    const hostname = nodeOf(volume)
    if (!hostname || !isLocalFolderName(name)) throw new Error(`volume has no node or no folder of ours (${name})`)
    const { items } = await client.list(Node, { labelSelector: `kubernetes.io/hostname=${hostname}` })
    if (items[0])
      await callJson(client, 'DELETE', `/api/v1/nodes/${items[0].metadata.name}/proxy${localVolumesPath}/${name}`)
  },
}
