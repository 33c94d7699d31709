import type { Node } from '../models/types/core-v1.ts'
import type { NodeChange } from './cluster-event.ts'

/** What of a node has changed that matters to placement. */
export function differences(old: Node, next: Node): Set<NodeChange> {
  const differ = (a: unknown, b: unknown) => a !== b && JSON.stringify(a) !== JSON.stringify(b)
  const changed = new Set<NodeChange>()
  if (differ(old.status?.allocatable, next.status?.allocatable)) changed.add('allocatable')
  if (differ(old.metadata.labels, next.metadata.labels)) changed.add('labels')
  if (differ(old.spec?.taints, next.spec?.taints) || differ(old.spec?.unschedulable, next.spec?.unschedulable))
    changed.add('taints')
  if (differ(old.status?.images, next.status?.images)) changed.add('images')
  return changed
}
