import type { FieldsV1 } from '../apply/field-set.ts'
import type { AnyObject } from '../object.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import type { Step } from './fields.ts'

/**
 * Whose field it is, as metadata.managedFields says; several share what they all applied. Who owns the field itself goes
 * before who owns something that holds it.
 */
export function ownersOf(object: AnyObject, steps: readonly Step[]): ManagedFieldsEntry[] {
  const depths = (object.metadata.managedFields ?? []).map(entry => ({
    entry,
    depth: depthOf(entry.fieldsV1 ?? {}, steps),
  }))
  const deepest = Math.max(...depths.map(d => d.depth))
  return deepest === 0 ? [] : depths.filter(d => d.depth === deepest).map(d => d.entry)
}

/** How far down an owner's tree of fields reaches along the path; 0 if it neither reaches the field nor ends above it. */
function depthOf(fields: FieldsV1, steps: readonly Step[]): number {
  let at = fields
  for (const [depth, step] of steps.entries()) {
    const below = childOf(at, step)
    if (!below) return isWhole(at) ? depth : 0
    at = below
  }
  return steps.length
}

function isWhole(fields: FieldsV1): boolean {
  return Object.keys(fields).length === 0
}

function childOf(fields: FieldsV1, step: Step): FieldsV1 | undefined {
  if ('field' in step) return Object.hasOwn(fields, `f:${step.field}`) ? fields[`f:${step.field}`] : undefined
  for (const [name, below] of Object.entries(fields)) {
    if (name.startsWith('k:') && matchesKey(JSON.parse(name.slice(2)), step.element)) return below
    if (name.startsWith('v:') && name.slice(2) === JSON.stringify(step.element)) return below
    if ('index' in step && name === `i:${step.index}`) return below
  }
  return undefined
}

function matchesKey(key: Record<string, unknown>, element: unknown): boolean {
  const fields = (element ?? {}) as Record<string, unknown>
  return Object.entries(key).every(([name, value]) => fields[name] === value)
}
