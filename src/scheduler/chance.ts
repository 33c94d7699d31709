import type { PodInfo } from './pod-class.ts'

/** Uniform in [0, 1): from which place on the best of equal nodes is looked for. */
export type Chance = (pod: PodInfo) => number

/** By the pod's name: no node is favoured, yet whoever asks again, or in a fork of the cluster, hears the same. */
export const byName: Chance = ({ keyText }) => {
  let hash = 0x811c9dc5
  for (let i = 0; i < keyText.length; i++) hash = Math.imul(hash ^ keyText.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
