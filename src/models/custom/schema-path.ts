import type { JSONSchemaProps } from '../types/apiextensions-v1.ts'

const nowhereText = 'does not refer to a valid field'
const endText = 'unexpected end of JSON path'

/**
 * The schema that a path such as `.spec.replicas` or `['a.b'].c` leads to, with the steps to it.
 * @param brackets false: steps in brackets are refused
 * @returns a text if it leads nowhere: why
 */
export function schemaAt(
  schema: JSONSchemaProps,
  path: string,
  brackets = true,
): { schema: JSONSchemaProps; names: string[] } | string {
  const tokens = path.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]]+/g) ?? []
  const names: string[] = []
  let at = schema
  for (let i = 0; i < tokens.length; ) {
    const token = tokens[i]!
    if (token !== '.' && token !== '[') return `expected [ or . but got: ${token}`
    if (token === '[' && !brackets) return 'array notation is not allowed'
    const step = tokens[i + 1]
    if (step === undefined) return endText
    if (token === '[' && !/^'.*'$/s.test(step)) return `expected single quoted string but got ${step}`
    const name = token === '[' ? step.slice(1, -1).replace(/\\(.)/g, '$1') : step
    const below = child(at, name)
    if (!below) return nowhereText
    at = below
    names.push(name)
    i += 2
    if (token === '.') continue
    if (tokens[i] === undefined) return endText
    if (tokens[i] !== ']') return `expected ] but got ${tokens[i]}`
    i++
  }
  return names.length ? { schema: at, names } : nowhereText
}

function child({ properties, additionalProperties: more }: JSONSchemaProps, name: string): JSONSchemaProps | undefined {
  if (properties && Object.keys(properties).length)
    return Object.hasOwn(properties, name) ? properties[name] : undefined
  return typeof more === 'object' ? more : undefined
}

/** The steps of a path in dot or quoted form; undefined if it is none. */
export function pathNames(path: string): string[] | undefined {
  const names: string[] = []
  const step = /\.([A-Za-z_][\w-]*)|\['((?:[^'\\]|\\.)*)'\]/y
  for (let at = 0; at < path.length; at = step.lastIndex) {
    step.lastIndex = at
    const found = step.exec(path)
    if (!found) return undefined
    names.push(found[1] ?? found[2]!.replace(/\\(.)/g, '$1'))
  }
  return names
}
