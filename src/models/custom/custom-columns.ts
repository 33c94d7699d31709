import { humanDuration } from '../duration.ts'
import type { Column } from '../kind.ts'
import type { AnyObject } from '../object.ts'
import type { CustomResourceColumnDefinition } from '../types/apiextensions-v1.ts'
import { parseJsonPath } from './json-path.ts'
import { isRecord } from './schema-node.ts'

/** What is printed of a kind whose definition does not say. */
const justAge: CustomResourceColumnDefinition[] = [
  {
    name: 'Age',
    type: 'date',
    description: 'Time since the object was created.',
    jsonPath: '.metadata.creationTimestamp',
  },
]

/** The printed columns of a definition, after the name. One whose path cannot be read stays empty. */
export function customColumns(columns: readonly CustomResourceColumnDefinition[] | undefined): Column<AnyObject>[] {
  return (columns?.length ? columns : justAge).map(({ name, type, format, description, priority, jsonPath }) => {
    const find = finder(jsonPath)
    return {
      name,
      type: type as Column['type'],
      description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      ...(format ? { format } : {}),
      ...(priority ? { priority } : {}),
      cell: (object, nowMs) => cellOf(type, find(object), nowMs),
    }
  })
}

function finder(path: string): (object: unknown) => unknown {
  try {
    const parsed = parseJsonPath(path)
    return object => parsed.find(object)[0]
  } catch {
    return () => undefined
  }
}

/** A value as a cell: null where it is missing or of another type than the column's. */
function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined) return null
  if (type === 'string') return textOf(value)
  if (value === null) return null
  switch (type) {
    case 'integer':
      return typeof value === 'number' || typeof value === 'bigint' ? Math.trunc(Number(value)) : null
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? sinceText(value, nowMs) : null
    default:
      return null
  }
}

/** As client-go's JSONPath prints: texts as they are, objects and lists as Go's JSON. */
function textOf(value: unknown): string {
  if (value === null) return '<no value>'
  if (typeof value === 'number') return floatText(value)
  return typeof value === 'object' ? goJson(value) : String(value)
}

/** As Go's %v: exponents from below 0.0001, of two digits. */
function floatText(value: number): string {
  if (value === 0 || Math.abs(value) >= 1e-4) return String(value)
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1')
}

/** Keys in order; what could end a script in a page escaped. */
function goJson(value: unknown): string {
  const inOrder = (_: string, inner: unknown): unknown => {
    if (typeof inner === 'bigint') return Number(inner)
    if (!isRecord(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value, inOrder).replace(/[<>&\u2028\u2029]/g, escaped)
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** @param text RFC 3339; nothing and `null` are no time yet */
function sinceText(text: string, nowMs: number): string {
  if (text === '' || text === 'null') return '<unknown>'
  const at = instant.test(text) ? Date.parse(text.replace(',', '.')) : Number.NaN
  return Number.isNaN(at) ? '<invalid>' : humanDuration(nowMs - at)
}
