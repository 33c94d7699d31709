import type { VolumeMount } from '../../models/types/core-v1.ts'
import type { RuntimeHandler } from '../../runtime/runtime.ts'
import { ContainerConfigInvalid } from '../pod/config-invalid.ts'
import type { PodContainer } from '../pod/records.ts'

/** Whether somebody must know what the runtime can do before the container is made. */
export function wantsRecursion({ volumeMounts = [] }: PodContainer): boolean {
  return volumeMounts.some(({ recursiveReadOnly }) => recursiveReadOnly && recursiveReadOnly !== 'Disabled')
}

/** Whether what is mounted inside a read-only mount is read-only too. @param can the runtime is able to */
export function recursionOf({ readOnly, recursiveReadOnly }: VolumeMount, can: boolean): 'Enabled' | 'Disabled' {
  if (!readOnly) return 'Disabled'
  return recursiveReadOnly === 'Enabled' || (recursiveReadOnly === 'IfPossible' && can) ? 'Enabled' : 'Disabled'
}

/**
 * The container with what is possible settled: mounts inside a read-only mount are either read-only as well or not.
 * @throws ContainerConfigInvalid where a mount insists on what the runtime cannot do
 */
export function settleRecursion<T extends PodContainer>(container: T, can: boolean): T {
  return {
    ...container,
    volumeMounts: (container.volumeMounts ?? []).map(mount => {
      if (mount.recursiveReadOnly === 'Enabled' && !can)
        throw new ContainerConfigInvalid(
          `container ${container.name} mounts volume "${mount.name}" with recursiveReadOnly: Enabled, which this node's container runtime cannot do; IfPossible takes what it can`,
        )
      return { ...mount, recursiveReadOnly: recursionOf(mount, can) }
    }),
  }
}

/** @param handler '' for pods without a RuntimeClass */
export function canRecurse(handlers: readonly RuntimeHandler[], handler: string): boolean {
  return handlers.find(({ name }) => name === handler)?.recursiveReadOnlyMounts ?? false
}
