import { createHash } from 'node:crypto'

type Json = Record<string, any>

/**
 * What a Swagger 2.0 document says to who generates clients from it, without its prose: a line for each operation,
 * collected under its tag.
 */
export function outlineOfOperations(document: Json): Map<string, string[]> {
  const outline = new Map<string, string[]>()
  for (const [path, methods] of Object.entries<Json>(document['paths']))
    for (const [method, operation] of Object.entries<Json>(methods)) {
      if (method === 'parameters') continue
      const tag = operation['tags']?.[0] ?? ''
      const line = operationLine(document, `${method} ${path}`, [...(methods['parameters'] ?? [])], operation)
      outline.set(tag, [...(outline.get(tag) ?? []), line])
    }
  return outline
}

function operationLine(document: Json, where: string, shared: Json[], operation: Json): string {
  const parameters = [...shared, ...(operation['parameters'] ?? [])].map(p => parameterText(resolved(document, p)))
  const answers = Object.entries<Json>(operation['responses'] ?? {}).map(
    ([code, { schema }]) => code + typeText(schema),
  )
  return JSON.stringify([
    ...[where, operation['operationId'], operation['x-kubernetes-action'] ?? ''],
    sorted(operation['x-kubernetes-group-version-kind']),
    ...[parameters.sort(), answers.sort(), types(operation['consumes']), types(operation['produces'])],
  ])
}

const resolved = (document: Json, parameter: Json): Json =>
  parameter['$ref'] ? document['parameters'][parameter['$ref'].split('/').pop()] : parameter

const parameterText = (p: Json): string =>
  `${p['in']} ${p['name']} ${p['type'] ?? typeText(p['schema'])}${p['required'] ? ' required' : ''}`

const typeText = (schema: Json | undefined): string =>
  ` ${schema?.['$ref']?.split('/').pop() ?? schema?.['type'] ?? ''}`

/** CBOR is off unless somebody asks for it; upstream's stored document has everything on. */
const types = (list: string[] | undefined): string[] => (list ?? []).filter(type => !type.includes('cbor')).sort()

/** A line for each definition, collected under its package: `io.k8s.api.apps.v1`. */
export function outlineOfDefinitions(document: Json): Map<string, string[]> {
  const outline = new Map<string, string[]>()
  for (const [name, definition] of Object.entries<Json>(document['definitions'])) {
    const place = name.slice(0, name.lastIndexOf('.'))
    outline.set(place, [...(outline.get(place) ?? []), `${name} ${JSON.stringify(sorted(withoutProse(definition)))}`])
  }
  return outline
}

/**
 * Without enums, which upstream's stored document leaves out, and without the kinds of types that all groups share, which
 * differ with what is switched on.
 */
function withoutProse({ 'x-kubernetes-group-version-kind': kinds, ...definition }: Json): Json {
  return kinds?.length === 1 ? { ...definition, kinds } : definition
}

/** Keys in order, without texts and enums. */
function sorted(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return key === 'required' ? [...value].sort() : value.map(item => sorted(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([name, inner]) =>
      !(name === 'description' && typeof inner === 'string') && !(name === 'enum' && Array.isArray(inner)),
  )
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, sorted(inner, name)]),
  )
}

/** How many lines, and a digest of them: `12 0f3a9b1c`. */
export function digestsOf(outline: ReadonlyMap<string, string[]>): Record<string, string> {
  const digest = (lines: string[]) => createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 8)
  return Object.fromEntries([...outline].sort().map(([name, lines]) => [name, `${lines.length} ${digest(lines)}`]))
}
