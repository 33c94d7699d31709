import { encodeJson } from '../encode-json.ts'
import type { ListType, ObjectType, Type } from '../schema/types.ts'
import { pathText } from './field-set.ts'
import { fieldOf, granularOf, namedElements } from './typed-fields.ts'

/**
 * What makes a configuration impossible to own: fields that there are not, elements of a keyed list without their key, and
 * elements that are there twice. In the words of Kubernetes.
 * @param value as it was sent, not yet decoded
 */
export function checkApplied(type: ObjectType, value: unknown): string[] {
  const problems: string[] = []
  check(type, value, [], problems)
  return problems
}

function check(type: Type | undefined, value: unknown, path: string[], problems: string[]): void {
  const g = granularOf(type)
  if (!g) return
  if (g.form === 'list') {
    if (Array.isArray(value)) checkList(g.type, value, path, problems)
    return
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const [name, child] of Object.entries(value)) {
    const at = [...path, `f:${name}`]
    const { type: childType } = fieldOf(g, name)
    if (childType) check(childType, child, at, problems)
    else problems.push(`${pathText(at)}: field not declared in schema`)
  }
}

function checkList(type: ListType, list: unknown[], path: string[], problems: string[]): void {
  const counts = new Map<string, number>()
  for (const [i, item] of list.entries()) {
    const missing = missingKey(type, item)
    if (missing !== undefined) {
      problems.push(
        `${pathText(path)}: element ${i}: associative list with keys has an element that omits key field ${encodeJson(missing)} (and doesn't have default value)`,
      )
      return
    }
    const [name] = namedElements(type, [item]).keys()
    counts.set(name!, (counts.get(name!) ?? 0) + 1)
  }
  for (const [name, count] of counts)
    if (count > 1) problems.push(`${pathText(path)}: duplicate entries for key ${pathText([name])}`)
  for (const [name, item] of namedElements(type, list)) check(type.of, item, [...path, name], problems)
}

function missingKey(type: ListType, item: unknown): string | undefined {
  if (type.list === 'set' || typeof item !== 'object' || item === null) return undefined
  const fields = type.of.form === 'object' ? type.of.fields : undefined
  return type.keys.find(
    key => (item as Record<string, unknown>)[key] === undefined && fields?.get(key)?.default === undefined,
  )
}
