import type { Pod, Volume } from './types/core-v1.ts'

/** The claim behind a pod's volume, given by name or made for the pod; undefined for volumes of other types. */
export function claimNameOf({ metadata }: Pick<Pod, 'metadata'>, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName
  return volume.ephemeral ? `${metadata.name}-${volume.name}` : undefined
}
