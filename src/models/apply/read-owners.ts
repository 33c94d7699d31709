import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { FieldSet, type FieldsV1 } from './field-set.ts'

/** One manager of an object, and what it owns. */
export interface Owner {
  entry: Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'time' | 'subresource'>
  fields: FieldSet
  /** The entry that says just this as we write it, if there is one. */
  wire?: ManagedFieldsEntry
}

/**
 * The owners that a list of managedFields names. Of two entries of the same manager the later counts.
 * @returns undefined if an entry is none: another operation, no version, another form of fields, or fields that are no tree of paths
 */
export function readOwners(entries: readonly ManagedFieldsEntry[] | undefined): Owner[] | undefined {
  const owners = new Map<string, Owner>()
  for (const e of entries ?? []) {
    if ((e.operation !== 'Apply' && e.operation !== 'Update') || !e.apiVersion || e.fieldsType !== 'FieldsV1')
      return undefined
    const { fieldsV1, fieldsType: _, ...entry } = e
    const fields = readFields(fieldsV1 ?? {})
    if (!fields) return undefined
    const ours = fieldsV1 && FieldSet.isOurs(fieldsV1 as FieldsV1)
    owners.set(managerOf(e), { entry, fields, ...(ours ? { wire: e } : {}) })
  }
  return [...owners.values()]
}

/** Why a list of managedFields is none, in the words of Kubernetes; undefined: it is one. */
export function ownersProblem(entries: readonly ManagedFieldsEntry[] | undefined): string | undefined {
  if (readOwners(entries)) return undefined
  for (const [at, { operation, apiVersion, fieldsType }] of entries!.entries()) {
    if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`'
    if (!apiVersion) return 'apiVersion must not be empty'
    if (!fieldsType) return `missing fieldsType in managed fields entry ${at}`
    if (fieldsType !== 'FieldsV1')
      return `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${at}`
  }
  return 'error decoding set'
}

/** Who appears twice is one: an applier whatever its version, a writer by plain updates for each of its versions. */
function managerOf({ manager = '', operation, apiVersion, subresource = '' }: ManagedFieldsEntry): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource])
}

const wellFormed = new WeakSet<object>()

function readFields(tree: unknown): FieldSet | undefined {
  if (typeof tree !== 'object' || tree === null) return undefined
  if (!FieldSet.isOurs(tree as FieldsV1) && !wellFormed.has(tree)) {
    if (!isTree(tree)) return undefined
    wellFormed.add(tree)
  }
  return FieldSet.fromWire(tree as FieldsV1)
}

function isTree(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (typeof value !== 'object' || Array.isArray(value)) return false
  return Object.entries(value).every(([element, below]) => {
    if (element === '.' || isOfAnotherTime(element)) return true
    return isElement(element) && isTree(below)
  })
}

/** Elements of a kind that later versions may know are passed over. */
const isOfAnotherTime = (element: string): boolean => element[1] === ':' && !'fvik'.includes(element[0]!)

function isElement(element: string): boolean {
  const rest = element.slice(2)
  switch (element.slice(0, 2)) {
    case 'f:':
      return true
    case 'i:':
      return /^[+-]?\d+$/.test(rest)
    case 'v:':
      return parsed(rest) !== undefined
    case 'k:': {
      const keys = parsed(rest)
      return typeof keys === 'object' && !Array.isArray(keys)
    }
    default:
      return false
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
