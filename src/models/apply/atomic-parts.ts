import type { ObjectType, Type } from '../schema/types.ts'
import { pathText } from './field-set.ts'
import { fieldOf, granularOf } from './typed-fields.ts'

/**
 * The parts of a value that can only be replaced as a whole: whoever wants to set one field of them would take the others
 * away.
 * @returns their paths, such as `.spec.selector`
 */
export function atomicParts(type: ObjectType, value: unknown): string[] {
  const out: string[] = []
  find(type, value, [], out)
  return out
}

function find(type: Type | undefined, value: unknown, path: string[], out: string[]): void {
  if (!type || typeof value !== 'object' || value === null) return
  const g = granularOf(type)
  if (!g) {
    const isWhole = type.form === 'object' ? !type.open : type.form === 'map' || type.form === 'list'
    if (isWhole) out.push(path.map(element => (element.startsWith('f:') ? pathText([element]) : element)).join(''))
  } else if (g.form === 'list') {
    if (!Array.isArray(value)) return
    for (const [i, item] of value.entries()) find(g.type.of, item, [...path, `[${i}]`], out)
  } else {
    for (const [name, child] of Object.entries(value)) find(fieldOf(g, name).type, child, [...path, `f:${name}`], out)
  }
}
