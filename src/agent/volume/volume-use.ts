import type { Disk } from '../../base/disk.ts'
import { claimNameOf } from '../../models/claim-name.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { ReadyVolume } from '../csi/csi-use.ts'
import type { CsiVolumes } from '../csi/csi-volumes.ts'

/** How full a volume of a claim is. What its driver does not say is absent. */
export interface VolumeUse {
  /** Of the volume in the pod. */
  name: string
  claim: string
  capacityBytes?: number
  availableBytes?: number
  usedBytes?: number
  inodes?: number
  inodesFree?: number
  inodesUsed?: number
}

/**
 * The claimed volumes of a pod: a driver's own word for those of CSI drivers, of others what the file system says. Those that
 * cannot be asked now are left out.
 */
export async function volumeUses(
  pod: Pod,
  ready: { paths: ReadonlyMap<string, string>; drivers: readonly ReadyVolume[] },
  tools: { disk: Disk; csi?: CsiVolumes },
): Promise<VolumeUse[]> {
  const uses = (pod.spec.volumes ?? []).map(async volume => {
    const claim = claimNameOf(pod, volume)
    const path = ready.paths.get(volume.name)
    if (!claim || !path) return undefined
    const driven = ready.drivers.find(driver => driver.path === path)
    const use = driven ? tools.csi?.use(driven) : fileSystemUse(tools.disk, path)
    return use?.then(figures => ({ name: volume.name, claim, ...figures })).catch(() => undefined)
  })
  return (await Promise.all(uses)).filter(use => use !== undefined)
}

async function fileSystemUse(disk: Disk, path: string): Promise<Omit<VolumeUse, 'name' | 'claim'>> {
  const { totalBytes, freeBytes, totalInodes, freeInodes } = await disk.space(path)
  return {
    capacityBytes: totalBytes,
    availableBytes: freeBytes,
    usedBytes: totalBytes - freeBytes,
    inodes: totalInodes,
    inodesFree: freeInodes,
    inodesUsed: totalInodes - freeInodes,
  }
}
