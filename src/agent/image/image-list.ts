import type { ContainerImage } from '../../models/types/core-v1.ts'

/** The largest first. @param most as upstream reports at most 50; -1: all */
export function imageList(images: readonly { names: string[]; sizeBytes: number }[], most = 50): ContainerImage[] {
  return [...images]
    .filter(image => image.names.length)
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, most < 0 ? undefined : most)
    .map(({ names, sizeBytes }) => ({ names: names.slice(0, 5), sizeBytes }))
}
