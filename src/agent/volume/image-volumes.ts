import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Pod, Volume } from '../../models/types/core-v1.ts'
import type { ImageContents } from '../../runtime/image-contents.ts'
import type { ImageRef } from '../../runtime/runtime.ts'
import type { Images } from '../image/images.ts'
import { StepFailed } from '../pod/step-failed.ts'

export interface ImageVolumesOptions {
  images: Images
  /** Absent: this node's runtime keeps no images. */
  contents?: ImageContents
  disk: Disk
}

/** The volume's files on the node; or the image, for a runtime that mounts it into containers itself. */
export type ImageVolume = { path: string } | { image: ImageRef }

const folderOf = (podFolder: string): string => join(podFolder, 'volumes', 'image')

/** Pulls the volume's image as one of a container and makes its files readable. @throws StepFailed, RuntimeFailed */
export async function setUpImageVolume(
  { images, contents }: ImageVolumesOptions,
  pod: Pod,
  { name, image }: Volume,
  podFolder: string,
  signal: AbortSignal,
): Promise<ImageVolume> {
  if (!contents) throw new Error('the runtime of this node has no images to mount')
  const { reference, pullPolicy } = image!
  const wish = { image: reference, imagePullPolicy: pullPolicy }
  const ref = await images.provide(pod, wish, signal).catch(cause => {
    if (!(cause instanceof StepFailed)) throw cause
    throw new StepFailed(cause.reason, explain(cause), { cause, volume: name })
  })
  const path = join(folderOf(podFolder), name)
  return (await contents.mount(ref, path)) ? { path } : { image: ref }
}

/** Once nothing is mounted below the pod's folder any more. */
export async function releaseImageVolumes({ contents, disk }: ImageVolumesOptions, podFolder: string): Promise<void> {
  const folder = folderOf(podFolder)
  for (const { name } of await disk.list(folder).catch(() => [])) await contents?.release(join(folder, name))
}

/** Images that a pod has as volumes, as its definition names them. */
export function volumeImages({ spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ image }) => image?.reference ?? [])
}
