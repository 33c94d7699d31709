import { compareQuantities } from '../../base/quantity.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../models/types/core-v1.ts'

/** `status.allocatedResourceStatuses.storage`: how far the growing of a claim has come; absent: nothing goes on. */
export type ResizeStatus =
  | 'ControllerResizeInProgress'
  | 'ControllerResizeInfeasible'
  | 'NodeResizePending'
  | 'NodeResizeInProgress'
  | 'NodeResizeInfeasible'

/** Ask the driver for so much; `tryNode`: the node is to try once more; undefined: nothing to do. */
export type ResizeStep = { size: string } | 'tryNode' | undefined

const conditionTypes = /^(FileSystemResizePending|Resizing|ControllerResizeError|NodeResizeError)$/
export const isResizeCondition = ({ type }: { type: string }) => conditionTypes.test(type)

/**
 * What a size that was asked for, one that was begun, and one that there is make necessary. A size that was begun is finished, unless the
 * driver has said that it can never be: then the one that is asked for now counts, which may be smaller.
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#recovering-from-failure-when-expanding-volumes
 */
export function resizeStep({ spec, status = {} }: PersistentVolumeClaim, volume: PersistentVolume): ResizeStep {
  const asked = spec.resources?.requests?.['storage'] ?? '0'
  if (compareQuantities(asked, status.capacity?.['storage'] ?? asked) <= 0) return undefined
  const begun = status.allocatedResources?.['storage']
  const phase = status.allocatedResourceStatuses?.['storage'] as ResizeStatus | undefined
  if (compareQuantities(volume.spec.capacity?.['storage'] ?? '0', asked) < 0) {
    const goesOn = phase && phase !== 'ControllerResizeInfeasible'
    return { size: (goesOn && begun) || asked }
  }
  if (phase === 'NodeResizeInProgress' || phase === 'NodeResizePending') return undefined
  if (phase === 'NodeResizeInfeasible') return 'tryNode'
  // It is as large as it should be, but that could not be written down any more.
  return { size: begun ?? asked }
}
