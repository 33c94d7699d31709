import type { ContainerImage } from '../../models/types/core-v1.ts'

/** The largest first, as upstream reports at most 50. */
export function imageList(images: readonly { names: string[]; sizeBytes: number }[]): ContainerImage[] {
  return [...images]
    .filter(image => image.names.length)
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, 50)
    .map(({ names, sizeBytes }) => ({ names: names.slice(0, 5), sizeBytes }))
}
