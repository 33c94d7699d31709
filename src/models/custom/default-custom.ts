import { put } from '../schema/decode.ts'
import { prunedDefault } from './decode-custom.ts'
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
  for (const [name, property] of node.properties)
    if (property.schema.default !== undefined && (!Object.hasOwn(object, name) || missing(object[name], property)))
      put(object, name, defaultOf(property))
  for (const name of Object.keys(object)) {
    const below = node.field(name)
    if (!below) continue
    if (missing(object[name], below)) put(object, name, defaultOf(below))
    defaultCustom(object[name], below)
  }
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
