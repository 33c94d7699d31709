import type { PersistentVolume, PersistentVolumeSpec, Pod, Volume } from '../../models/types/core-v1.ts'
import type { CSINode } from '../../models/types/storage-v1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import { claimUses } from './claim-uses.ts'
import { classOf } from './volume-match.ts'

/** A volume that a CSI driver attaches to a node. */
export interface AttachedVolume {
  /** The same for every use of the same volume. */
  id: string
  driver: string
}

/** Volume sources of old whose work a CSI driver does on nodes that say so. */
const migrated = {
  awsElasticBlockStore: { plugin: 'kubernetes.io/aws-ebs', driver: 'ebs.csi.aws.com', id: 'volumeID' },
  azureDisk: { plugin: 'kubernetes.io/azure-disk', driver: 'disk.csi.azure.com', id: 'diskURI' },
  azureFile: { plugin: 'kubernetes.io/azure-file', driver: 'file.csi.azure.com', id: 'shareName' },
  cinder: { plugin: 'kubernetes.io/cinder', driver: 'cinder.csi.openstack.org', id: 'volumeID' },
  gcePersistentDisk: { plugin: 'kubernetes.io/gce-pd', driver: 'pd.csi.storage.gke.io', id: 'pdName' },
  portworxVolume: { plugin: 'kubernetes.io/portworx-volume', driver: 'pxd.portworx.com', id: 'volumeID' },
  vsphereVolume: { plugin: 'kubernetes.io/vsphere-volume', driver: 'csi.vsphere.vmware.com', id: 'volumePath' },
} as const

function isMigrated({ metadata }: CSINode, plugin: string): boolean {
  return (metadata.annotations?.['storage.alpha.kubernetes.io/migrated-plugins'] ?? '').split(',').includes(plugin)
}

/** What of a volume's source is attached by a CSI driver on this node. */
export function volumeOf({ spec }: { spec: PersistentVolumeSpec }, csiNode: CSINode): AttachedVolume | undefined {
  if (spec.csi) return { id: `${spec.csi.driver}/${spec.csi.volumeHandle}`, driver: spec.csi.driver }
  for (const [source, { plugin, driver, id }] of Object.entries(migrated)) {
    const of = spec[source as keyof typeof migrated] as Record<string, unknown> | undefined
    if (of) return isMigrated(csiNode, plugin) ? { id: `${driver}/${of[id]}`, driver } : undefined
  }
  return undefined
}

/** Named by the pod itself, without a claim, and attached by a CSI driver on nodes that say so. */
export const isAttachedInline = (volume: Volume): boolean => Object.keys(migrated).some(source => source in volume)

const counts = new WeakMap<Pod, number>()

/** At most so many volumes the pod has attached. */
export function mostAttached(pod: Pod): number {
  if (!pod.spec.volumes) return 0
  let count = counts.get(pod)
  if (count === undefined)
    counts.set(pod, (count = claimUses(pod).length + pod.spec.volumes.filter(isAttachedInline).length))
  return count
}

export function attachableVolumes(pod: Pod, objects: ClusterObjects, csiNode: CSINode): AttachedVolume[] {
  const found: AttachedVolume[] = []
  for (const volume of pod.spec.volumes?.filter(isAttachedInline) ?? []) {
    const attached = volumeOf({ spec: volume as PersistentVolumeSpec }, csiNode)
    if (attached) found.push(attached)
  }
  for (const { key } of claimUses(pod)) {
    const claim = objects.claims.get(key)
    if (!claim) continue
    const volume: PersistentVolume | undefined = objects.volumes.get(claim.spec.volumeName ?? '')
    if (volume) {
      const attached = volumeOf(volume, csiNode)
      if (attached) found.push(attached)
      continue
    }
    // Not there yet: whoever will make it will attach it.
    const provisioner = objects.storageClasses.get(classOf(claim))?.provisioner
    if (!provisioner) continue
    const old = Object.values(migrated).find(m => m.plugin === provisioner)
    if (old && !isMigrated(csiNode, old.plugin)) continue
    const driver = old?.driver ?? provisioner
    found.push({ id: `${driver}/${key}`, driver })
  }
  return found
}
