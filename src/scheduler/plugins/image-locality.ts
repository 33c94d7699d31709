import type { SchedulerPlugin } from '../plugin.ts'
import { normalImage } from '../pod-class.ts'
import type { NodeView } from '../snapshot.ts'

interface State {
  /** Image → share of the nodes that have it. */
  spread: Map<string, number>
  images: readonly string[]
}

const mebibyte = 1024 * 1024
const leastBytes = 23 * mebibyte
const mostBytesPerContainer = 1_000 * mebibyte

const sizesOf = new WeakMap<object, Map<string, number>>()

/**
 * Nodes that have the pod's images are better, big images more so; an image counts by the share of nodes that have it, or
 * one node would draw all pods. 100·(Σ bytes·share − 23 MiB) / (containers·1000 MiB − 23 MiB).
 */
export const imageLocality: SchedulerPlugin<State> = {
  name: 'ImageLocality',
  byShape: true,
  prepare(_pod, snapshot, { class: { images } }) {
    if (!images.length) return undefined
    const known = snapshot.images()
    const spread = new Map<string, number>()
    for (const image of images) {
      const nodes = known.get(image)?.nodes
      if (nodes) spread.set(image, nodes / snapshot.nodes.length)
    }
    return spread.size ? { spread, images } : undefined
  },
  score({ spread, images }, node) {
    const sizes = imageSizes(node)
    let sum = 0
    for (const image of images) sum += Math.floor((sizes.get(image) ?? 0) * (spread.get(image) ?? 0))
    const most = mostBytesPerContainer * images.length
    const bytes = Math.min(Math.max(sum, leastBytes), most)
    return Math.floor((100 * (bytes - leastBytes)) / (most - leastBytes))
  },
  wakes: () => false,
}

function imageSizes({ node }: NodeView): Map<string, number> {
  let sizes = sizesOf.get(node)
  if (!sizes) {
    sizes = new Map()
    for (const image of node.status?.images ?? [])
      for (const name of image.names ?? []) sizes.set(normalImage(name), image.sizeBytes ?? 0)
    sizesOf.set(node, sizes)
  }
  return sizes
}
