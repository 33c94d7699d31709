import { put } from '../own-property.ts'
import { prunedDefault, prunedMetadata } from './decode-custom.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'

/** Fills in what the schema states as default, where a field is missing or null although it may not be. Changes `value`. */
export function defaultCustom(value: unknown, node: SchemaNode | undefined): void {
  if (!node?.hasDefaults) return
  if (Array.isArray(value)) defaultItems(value, node.items)
  else if (isRecord(value)) defaultFields(value, node)
}

function defaultItems(list: unknown[], items: SchemaNode | undefined): void {
  for (let i = 0; i < list.length; i++) {
    if (missing(list[i], items)) list[i] = defaultOf(items!)
    defaultCustom(list[i], items)
  }
}

function defaultFields(object: Record<string, unknown>, node: SchemaNode): void {
  const { embedded } = node
  const fill = (name: string, property: SchemaNode) =>
    put(object, name, embedded && name === 'metadata' ? structuredClone(property.schema.default) : defaultOf(property))
  for (const [name, property] of node.properties)
    if (property.schema.default !== undefined && (!Object.hasOwn(object, name) || missing(object[name], property)))
      fill(name, property)
  for (const name of Object.keys(object)) {
    const below = node.field(name)
    if (!below) continue
    if (missing(object[name], below)) fill(name, below)
    defaultCustom(object[name], below)
  }
  if (embedded) pruneMetadata(object, node.properties.get('metadata'))
}

/** Whatever a schema states as default there, metadata has its own form. */
function pruneMetadata(object: Record<string, unknown>, node: SchemaNode | undefined): void {
  if (!node || !isRecord(object['metadata'])) return
  if (node.schema.default !== undefined || node.hasDefaults) object['metadata'] = prunedMetadata(object['metadata'])
}

function missing(value: unknown, node: SchemaNode | undefined): boolean {
  if (value === undefined) return node?.schema.default !== undefined
  return value === null && node !== undefined && node.schema.nullable !== true && node.schema.default !== undefined
}

const pruned = new WeakMap<SchemaNode, unknown>()

/** A copy of its own. */
function defaultOf(node: SchemaNode): unknown {
  if (!pruned.has(node)) pruned.set(node, prunedDefault(node))
  return structuredClone(pruned.get(node))
}
