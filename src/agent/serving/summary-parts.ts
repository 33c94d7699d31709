import type { Disk } from '../../base/disk.ts'
import type { VolumeUse } from '../volume/volume-use.ts'
import type { FolderUse } from './local-storage.ts'

export type Space = Awaited<ReturnType<Disk['space']>>
export type ImageSpace = Space & { usedBytes: number; usedInodes: number }

/** What all parts of one summary rest on. */
export interface Looked {
  /** RFC 3339. */
  time: string
  atMs: number
  /** Billionths of a core, by id of container, pod or `node`. */
  nanoCores: ReadonlyMap<string, number>
  /** By path. */
  folders: ReadonlyMap<string, FolderUse>
  /** By pod uid. */
  claims: ReadonlyMap<string, readonly VolumeUse[]>
  /** Of the node's folder; of images; of what containers write. Undefined: not known. */
  disk: Space | undefined
  images: ImageSpace | undefined
  layers: ImageSpace | undefined
}

/** FsStats: something that takes a part of a file system. */
export function fsStats(time: string, space: Space | undefined, use: Partial<FolderUse>): object {
  return {
    time,
    ...(space && {
      availableBytes: space.freeBytes,
      capacityBytes: space.totalBytes,
      inodesFree: space.freeInodes,
      inodes: space.totalInodes,
    }),
    ...use,
  }
}

export const cpuStats = (time: string, usageNanoCores: number, usageCoreNanoSeconds: number) => ({
  time,
  usageNanoCores,
  usageCoreNanoSeconds,
})

export const swapStats = (time: string, used: number | undefined, available?: number): object =>
  used === undefined
    ? {}
    : { swap: { time, ...(available === undefined ? {} : { swapAvailableBytes: available }), swapUsageBytes: used } }
