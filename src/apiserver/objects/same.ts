import { same } from '../../base/equality.ts'
import type { AnyObject } from '../../models/object.ts'

/** Everything but metadata and status: what generation counts. */
export function sameDesire(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
    if (key !== 'metadata' && key !== 'status' && !same(a[key], b[key])) return false
  return true
}

/** Whether two states differ at most in when their managers wrote: then nothing was written. */
export function sameButTimes(a: AnyObject, b: AnyObject): boolean {
  const [mine, theirs] = [a.metadata.managedFields ?? [], b.metadata.managedFields ?? []]
  if (mine.length !== theirs.length) return false
  return same(withoutTimes(a), withoutTimes(b))
}

function withoutTimes(object: AnyObject): AnyObject {
  const managedFields = object.metadata.managedFields?.map(({ time: _, ...entry }) => entry)
  return { ...object, metadata: { ...object.metadata, managedFields } } as AnyObject
}
