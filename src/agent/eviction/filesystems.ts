import type { Disk } from '../../base/disk.ts'
import type { FilesystemUse } from '../../runtime/runtime.ts'
import type { Signal } from './thresholds.ts'

/** Which of the node's things are on another file system than its own folder: pods' logs and emptyDirs. */
export interface Filesystems {
  imagesApart: boolean
  /** What containers write into their own files. */
  layersApart: boolean
}

export const oneFilesystem: Filesystems = { imagesApart: false, layersApart: false }

/** @param images of the runtime; undefined: not known, so all is taken to be on one. */
export async function filesystemsOf(
  disk: Pick<Disk, 'stat'>,
  folder: string,
  images: { path: string; layers: Pick<FilesystemUse, 'path'> } | undefined,
): Promise<Filesystems> {
  if (!images?.path) return oneFilesystem
  const device = (path: string) =>
    disk.stat(path).then(
      stat => stat.dev,
      () => undefined,
    )
  const [own, ofImages, ofLayers] = await Promise.all([folder, images.path, images.layers.path].map(device))
  const apart = (other: number | undefined) => own !== undefined && other !== undefined && other !== own
  return { imagesApart: apart(ofImages), layersApart: apart(ofLayers) }
}

/** What of pods, and what else that nobody uses, takes room where a signal is measured. */
export interface Held {
  logsAndVolumes: boolean
  layers: boolean
  /** Unused images. */
  images: boolean
}

/**
 * Ending a pod or removing an image helps only where it takes room. Pure.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#reclaim-node-resources
 */
export function heldBy(signal: Signal, { imagesApart, layersApart }: Filesystems): Held {
  if (signal.startsWith('imagefs.') && imagesApart) return { logsAndVolumes: false, layers: layersApart, images: true }
  return { logsAndVolumes: true, layers: !layersApart, images: !imagesApart }
}
