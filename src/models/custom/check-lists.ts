import { duplicate, type FieldError, goValue, invalid } from '../field-error.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'
import { shown } from './shown.ts'

/** Elements of sets and of lists with keys that are there twice. */
export function checkUnique(value: unknown, node: SchemaNode | undefined, place = ''): FieldError[] {
  if (!node) return []
  if (Array.isArray(value))
    return [
      ...checkElements(value, node, place),
      ...value.flatMap((item, i) => checkUnique(item, node.items, `${place}[${i}]`)),
    ]
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, below]) => {
    const own = node.properties.get(name)
    if (typeof below !== 'object' || below === null) return []
    return checkUnique(
      below,
      own ?? node.additional,
      own ? (place === '' ? name : `${place}.${name}`) : `${place}[${name}]`,
    )
  })
}

function checkElements(list: unknown[], node: SchemaNode, place: string): FieldError[] {
  if (node.listType === 'atomic') return []
  if (node.listType === 'set') return repeated(list).map(i => duplicate(`${place}[${i}]`, list[i]))
  const odd = list.findIndex(item => item !== null && !isRecord(item))
  if (odd >= 0)
    return [invalid(`${place}[${odd}]`, shown(list[odd]), 'must be an object for an array of list-type map')]
  const keys = list.map(item => keysOf(item as Record<string, unknown> | null, node))
  return repeated(keys).map(i => duplicate(`${place}[${i}]`, goValue(keys[i])))
}

function keysOf(item: Record<string, unknown> | null, node: SchemaNode): Record<string, unknown> {
  return Object.fromEntries(
    [...node.mapKeys].sort().flatMap(key => (item && Object.hasOwn(item, key) ? [[key, item[key]] as const] : [])),
  )
}

/** Where each element that is there several times comes for the second time. */
function repeated(list: readonly unknown[]): number[] {
  const seen = new Map<string, number>()
  const out: number[] = []
  list.forEach((item, i) => {
    const text = canonical(item)
    const times = (seen.get(text) ?? 0) + 1
    seen.set(text, times)
    if (times === 2) out.push(i)
  })
  return out
}

function canonical(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  return `{${Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join(',')}}`
}
