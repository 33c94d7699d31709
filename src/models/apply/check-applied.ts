import { encodeJson } from '../encode-json.ts'
import { goValue } from '../field-error.ts'
import { goPrinted } from '../patch/go-print.ts'
import type { ListType, ScalarType, Type } from '../schema/types.ts'
import { pathText } from './field-set.ts'
import { keyValue, namedElement } from './typed-fields.ts'

/**
 * What makes a configuration impossible to own: values of another type, fields that there are not, elements of a keyed list
 * without their key, and elements that are there twice. In the words of Kubernetes.
 * @param value as it was sent, not yet decoded
 */
export function checkApplied(type: Type, value: unknown): string[] {
  const problems: string[] = []
  check(type, value, [], problems)
  return problems
}

function check(type: Type | undefined, value: unknown, path: string[], problems: string[]): void {
  if (!type || value === null || value === undefined) return
  switch (type.form) {
    case 'scalar': {
      const wrong = scalarProblem(type, value)
      if (wrong) problems.push(at(path, wrong))
      return
    }
    case 'list':
      if (Array.isArray(value)) checkList(type, value, path, problems)
      else problems.push(at(path, `expected list, got &{${goPrinted(value)}}`))
      return
    default:
      // Of what no schema describes the value itself tells what it is.
      if (type.form === 'map' ? type.of === type : type.open) return
      if (typeof value !== 'object' || Array.isArray(value))
        problems.push(at(path, `expected map, got &{${goPrinted(value)}}`))
      else if (type.form === 'map')
        for (const [name, child] of Object.entries(value)) check(type.of, child, [...path, `f:${name}`], problems)
      else
        for (const [name, child] of Object.entries(value)) {
          const below = [...path, `f:${name}`]
          const childType = type.fields.get(name)?.type ?? type.rest
          if (childType) check(childType, child, below, problems)
          else problems.push(at(below, 'field not declared in schema'))
        }
  }
}

const at = (path: string[], problem: string): string => (path.length ? `${pathText(path)}: ${problem}` : problem)

const isList = (value: unknown): value is unknown[] => Array.isArray(value)
const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint'

/** Times and quantities are known to be scalars, no more; numbers that may be names not even that. */
function scalarProblem({ scalar }: ScalarType, value: unknown): string | undefined {
  switch (scalar) {
    case 'string':
    case 'bytes':
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goValue(value).text}}`
    case 'bool':
      return typeof value === 'boolean' ? undefined : `expected boolean, got &{${goPrinted(value)}}`
    case 'int32':
    case 'int64':
    case 'double':
      return isNumber(value) ? undefined : `expected numeric (int or float), got ${goTypeOf(value)}`
    case 'time':
    case 'microTime':
    case 'quantity':
      return typeof value === 'object' ? `expected any scalar, got &{${goPrinted(value)}}` : undefined
    default:
      return undefined
  }
}

function goTypeOf(value: unknown): string {
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  return isList(value) ? '[]interface {}' : 'map[string]interface {}'
}

function checkList(type: ListType, list: unknown[], path: string[], problems: string[]): void {
  if (type.list === 'atomic') {
    for (const [i, item] of list.entries()) check(type.of, item, [...path, `i:${i}`], problems)
    return
  }
  const seen = new Set<string>()
  for (const [i, item] of list.entries()) {
    const wrong = elementProblem(type, item)
    if (wrong) {
      problems.push(at(path, `element ${i}: ${wrong}`))
      return
    }
    const name = namedElement(type, item)
    if (seen.has(name)) problems.push(at(path, `duplicate entries for key ${pathText([name])}`))
    seen.add(name)
    check(type.of, item, [...path, name], problems)
  }
}

/** Why an element of a set or of a keyed list cannot be named. */
function elementProblem(type: ListType, item: unknown): string | undefined {
  if (type.list === 'set') {
    if (item === null) return "associative list without keys has an element that's an explicit null"
    if (isList(item)) return 'not supported: associative list with lists as elements'
    return typeof item === 'object' ? "associative list without keys has an element that's a map type" : undefined
  }
  if (item === null) return 'associative list with keys may not have a null element'
  if (typeof item !== 'object' || isList(item)) return 'associative list with keys may not have non-map elements'
  const missing = type.keys.find(key => keyValue(type, item, key) === undefined)
  return missing === undefined
    ? undefined
    : `associative list with keys has an element that omits key field ${encodeJson(missing)} (and doesn't have default value)`
}
