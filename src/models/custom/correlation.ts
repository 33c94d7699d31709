import { equal } from '../patch/index.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'

/** There is no earlier value, or it cannot be told which it was. */
export const absent: unique symbol = Symbol('absent')

/** What the field of an object or a map was before. */
export function fieldBefore(name: string, before: unknown): unknown {
  return isRecord(before) && Object.hasOwn(before, name) ? before[name] : absent
}

/** What the element of a list with keys was before: the one with the same keys. Other lists have no identities. */
export function elementBefore(element: unknown, node: SchemaNode, before: unknown): unknown {
  if (node.listType !== 'map' || !Array.isArray(before) || !isRecord(element)) return absent
  const found = before.find(
    other => isRecord(other) && node.mapKeys.every(key => equal(keyOf(other, key, node), keyOf(element, key, node))),
  )
  return found ?? absent
}

function keyOf(element: Record<string, unknown>, key: string, node: SchemaNode): unknown {
  return (
    (Object.hasOwn(element, key) ? element[key] : undefined) ?? node.items?.properties.get(key)?.schema.default ?? null
  )
}
