import { sameMeaning } from '../../base/equality.ts'
import type { AnyObject } from '../../models/object.ts'

const advice = 'API server dedups owner references in 1.20+, and may reject such requests as early as 1.24'

/**
 * An owner that is named twice is named once, with a warning.
 * @param admitted those who admit the object have changed it already
 */
export function withoutDoubleOwners(object: AnyObject, warnings: string[], admitted: boolean): void {
  const { ownerReferences: owners } = object.metadata
  if (!owners || owners.length < 2) return
  const kept: typeof owners = []
  const doubles: string[] = []
  for (const owner of owners)
    if (kept.some(known => known.uid === owner.uid && sameMeaning(known, owner))) doubles.push(owner.uid)
    else kept.push(owner)
  if (!doubles.length) return
  object.metadata.ownerReferences = kept
  const when = admitted ? ' after mutating admission happens' : ''
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries${when}; ${advice}; please fix your requests; duplicate UID(s) observed: ${doubles.join(', ')}`,
  )
}
