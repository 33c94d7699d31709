import type { Pod } from '../../models/types/core-v1.ts'
import { annotations } from '../static/annotations.ts'

/** Pods that stay whatever happens: the node's own, and those that the cluster cannot do without. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const told = metadata.annotations
  return (
    told?.[annotations.source] === 'file' ||
    told?.[annotations.mirror] !== undefined ||
    (spec.priority ?? 0) >= 2_000_000_000
  )
}
