import { claimNameOf } from '../../models/claim-name.ts'
import { PersistentVolume } from '../../models/kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../models/kinds/core/persistent-volume-claim.ts'
import type { Pod, Volume } from '../../models/types/core-v1.ts'
import type { ReferencedObjects } from '../objects.ts'

/** A pod's claim and the volume that it has. */
export interface ClaimedVolume {
  claim: PersistentVolumeClaim
  volume: PersistentVolume
}

/** Rejects with the reason why there is nothing to mount yet. */
export async function claimedVolume(objects: ReferencedObjects, pod: Pod, volume: Volume): Promise<ClaimedVolume> {
  const name = claimNameOf(pod, volume)!
  const claim = await objects.get(PersistentVolumeClaim, { namespace: pod.metadata.namespace!, name })
  if (!claim) throw new Error(`persistentvolumeclaim "${name}" not found`)
  const owned = claim.metadata.ownerReferences?.some(r => r.controller && r.uid === pod.metadata.uid)
  if (volume.ephemeral && !owned)
    throw new Error(`persistentvolumeclaim "${name}" was not created for this pod: the pod is not its owner`)
  if (claim.status?.phase !== 'Bound' || !claim.spec.volumeName)
    throw new Error(`persistentvolumeclaim "${name}" is not bound to a volume yet`)
  const found = await objects.get(PersistentVolume, { name: claim.spec.volumeName })
  if (!found) throw new Error(`persistentvolume "${claim.spec.volumeName}" not found`)
  checkMode(pod, volume.name, found)
  return { claim, volume: found }
}

/** A device is no folder and a folder no device: containers must ask for the volume as what it is. */
function checkMode({ spec }: Pod, name: string, { spec: { volumeMode = 'Filesystem' } }: PersistentVolume): void {
  const wrong = volumeMode === 'Block' ? 'volumeMounts' : 'volumeDevices'
  const { containers, initContainers = [], ephemeralContainers = [] } = spec
  if ([...containers, ...initContainers, ...ephemeralContainers].some(c => c[wrong]?.some(use => use.name === name)))
    throw new Error(`volume ${name} has volumeMode ${volumeMode}, but is specified in ${wrong}`)
}
