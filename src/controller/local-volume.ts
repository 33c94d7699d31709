import { parseQuantity } from '../base/quantity.ts'
import { callJson } from '../client/call-json.ts'
import type { CacheIndex, Reconciler, World } from '../client/reconciler.ts'
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
import { freeBytes, hostOf, localVolumes, nodeOf } from './local-capacity.ts'
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
  const promised = new Promised()
  return {
    name: 'local-volume-provisioner',
    primary: PersistentVolumeClaim,
    watches: [
      { kind: Node, keys: (node: Node, cache) => cache.byIndex(claimsByNode, node.metadata.name).map(keyOf) },
      { kind: StorageClass, keys: () => [] },
      { kind: PersistentVolume, keys: (volume: PersistentVolume) => promised.seen(volume) },
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
      if (node && found) await provision(world, claim, node, found, promised)
    },
  }
}

const isOurs = ({ metadata }: PersistentVolumeClaim) => metadata.annotations?.[provisioner] === localProvisioner

/** Claims that wait for a folder, by the node that was chosen for them. */
const claimsByNode: CacheIndex<PersistentVolumeClaim> = {
  kind: PersistentVolumeClaim,
  name: 'selected node',
  values: claim => {
    const node = claim.metadata.annotations?.[selectedNode]
    return node && !claim.spec.volumeName && isOurs(claim) ? [node] : []
  },
}

/** Volumes that the cache may not show yet: those that were there when this process began, and those that it has made since. */
class Promised {
  readonly #volumes = new Map<string, PersistentVolume>()
  #asked = false

  add(volume: PersistentVolume): void {
    this.#volumes.set(volume.metadata.name, volume)
  }

  /** The cache knows of it. */
  seen(volume: PersistentVolume): [] {
    this.#volumes.delete(volume.metadata.name)
    return []
  }

  /** All local volumes of a node: what was just given away is taken. */
  async on(node: Node, { cache, client }: World): Promise<PersistentVolume[]> {
    if (!this.#asked) {
      for (const volume of (await client.list(PersistentVolume)).items) this.add(volume)
      this.#asked = true
    }
    for (const name of this.#volumes.keys()) if (cache.get(PersistentVolume, { name })) this.#volumes.delete(name)
    return [...cache.byIndex(localVolumes, hostOf(node)), ...this.#volumes.values()]
  }
}

async function provision(
  world: World,
  claim: PersistentVolumeClaim,
  nodeName: string,
  found: Class,
  promised: Promised,
): Promise<void> {
  const { cache, client, events } = world
  const node = cache.get(Node, { name: nodeName })
  if (cache.get(PersistentVolume, { name: nameOf(claim) })) return
  const problem = node ? refusal(claim, node, await promised.on(node, world)) : `node "${nodeName}" is gone`
  if (problem) {
    events.warning(
      claim,
      'ProvisioningFailed',
      `failed to provision volume with StorageClass "${found.metadata.name}": ${problem}`,
    )
    return elsewhere(world, claim)
  }
  try {
    promised.add(await client.create(PersistentVolume, localVolume(claim, node!, found)))
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
                  values: [hostOf(node)],
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
