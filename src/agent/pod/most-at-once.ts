import type { Container, Pod } from '../../models/types/core-v1.ts'

/**
 * How much these containers of a pod use at the same time, at most: each init container runs with the sidecars before it and
 * hands on what it had; all others run together. Pure.
 * @param of what one container uses
 */
export function mostAtOnce({ spec }: Pod, containers: readonly Container[], of: (one: Container) => number): number {
  let [most, sidecars, mains] = [0, 0, 0]
  for (const container of containers) {
    const own = of(container)
    if (!spec.initContainers?.includes(container)) mains += own
    else if (container.restartPolicy === 'Always') sidecars += own
    else most = Math.max(most, sidecars + own)
  }
  return Math.max(most, sidecars + mains)
}

/** Those that end before the pod's main containers start, and whose share these may then have. */
export const handsOn = ({ spec }: Pod, container: Container): boolean =>
  container.restartPolicy !== 'Always' && (spec.initContainers ?? []).some(({ name }) => name === container.name)
