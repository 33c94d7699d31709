import type { AnyObject } from '../object.ts'
import { type Leaf, leavesOf } from './fields.ts'
import { ownersOf } from './owners.ts'

export interface FieldChange {
  path: string
  /** Not there: the field was added. */
  from?: unknown
  /** Not there: the field was removed. */
  to?: unknown
}

/** Which fields differ between two states of an object, in the order in which they stand; book-keeping left out. */
export function fieldChanges(before: AnyObject, after: AnyObject): FieldChange[] {
  return changedLeaves(before, after).map(({ from, to, path }) => ({
    path,
    ...(from ? { from: from.value } : {}),
    ...(to ? { to: to.value } : {}),
  }))
}

/**
 * The managers who made the change: who owns what is new, else whoever's entry in managedFields is new or another.
 * @returns such as `kubectl-client-side-apply`, `kubelet (status)`
 */
export function changedBy(before: AnyObject | undefined, after: AnyObject): string[] {
  const owners = new Set<string>()
  if (before)
    for (const { to } of changedLeaves(before, after))
      if (to) for (const owner of ownersOf(after, to.steps)) owners.add(ownerText(owner))
  if (owners.size) return [...owners]
  const known = new Set((before?.metadata.managedFields ?? []).map(e => JSON.stringify(e)))
  const fresh = (after.metadata.managedFields ?? []).filter(e => !known.has(JSON.stringify(e)))
  return [...new Set(fresh.map(ownerText))]
}

export function ownerText(owner: { manager?: string | undefined; subresource?: string | undefined }): string {
  return `${owner.manager || 'unknown'}${owner.subresource ? ` (${owner.subresource})` : ''}`
}

function changedLeaves(
  before: AnyObject,
  after: AnyObject,
): { path: string; from: Leaf | undefined; to: Leaf | undefined }[] {
  const [old, next] = [leavesOf(before), leavesOf(after)]
  const paths = [...new Set([...next.keys(), ...old.keys()])]
  return paths
    .map(path => ({ path, from: old.get(path), to: next.get(path) }))
    .filter(({ from, to }) => !from || !to || JSON.stringify(from.value) !== JSON.stringify(to.value))
}
