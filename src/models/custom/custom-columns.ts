import { humanDuration } from '../duration.ts'
import type { Column } from '../kind.ts'
import type { AnyObject } from '../object.ts'
import type { CustomResourceColumnDefinition } from '../types/apiextensions-v1.ts'
import { parseJsonPath } from './json-path.ts'

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

/** As kubectl's JSONPath prints: texts as they are, objects and lists as JSON. */
function textOf(value: unknown): string {
  if (value === null) return '<nil>'
  if (typeof value === 'object') return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? Number(v) : v))
  return String(value)
}

function sinceText(text: string, nowMs: number): string {
  const at = Date.parse(text)
  return Number.isNaN(at) ? '<invalid>' : humanDuration(nowMs - at)
}
