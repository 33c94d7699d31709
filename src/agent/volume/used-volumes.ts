import type { Pod, Volume } from '../../models/types/core-v1.ts'

/** Volumes that some container mounts or has as a device. Of the others nobody sees whether they are there: they are not made. */
export function usedVolumes({ spec }: Pod): Volume[] {
  const { containers, initContainers = [], ephemeralContainers = [], volumes = [] } = spec
  const used = new Set(
    [...containers, ...initContainers, ...ephemeralContainers].flatMap(({ volumeMounts = [], volumeDevices = [] }) =>
      [...volumeMounts, ...volumeDevices].map(({ name }) => name),
    ),
  )
  return volumes.filter(({ name }) => used.has(name))
}
