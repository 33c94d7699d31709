import { sameMeaning } from '../../base/equality.ts'

/** What matters of a Swagger 2.0 document here. */
export interface OpenApiV2 {
  paths: Record<string, unknown>
  definitions: Record<string, unknown>
}

const prefix = '#/definitions/'

/** The paths below one path, and the definitions that they need. */
export function partOf({ paths = {}, definitions = {} }: Partial<OpenApiV2>, below: string): OpenApiV2 {
  const own = Object.entries(paths).filter(([path]) => path === below || path.startsWith(`${below}/`))
  const needed = new Set<string>()
  const need = (value: unknown): void => {
    for (const name of namesIn(value))
      if (!needed.has(name) && Object.hasOwn(definitions, name)) {
        needed.add(name)
        need(definitions[name])
      }
  }
  need(own)
  return {
    paths: Object.fromEntries(own),
    definitions: Object.fromEntries([...needed].map(name => [name, definitions[name]])),
  }
}

/** The document with the parts of others. Another definition of the same name gets a name of its own. */
export function withParts<T extends OpenApiV2>(document: T, parts: readonly OpenApiV2[]): T {
  const definitions = new Map(Object.entries(document.definitions))
  const paths = new Map(Object.entries(document.paths))
  for (const part of parts) {
    const renamed = newNames(part, definitions)
    const settled = renamed.size ? (renameIn(part, renamed) as OpenApiV2) : part
    for (const [name, value] of Object.entries(settled.definitions)) definitions.set(renamed.get(name) ?? name, value)
    for (const [path, value] of Object.entries(settled.paths)) if (!paths.has(path)) paths.set(path, value)
  }
  return { ...document, paths: Object.fromEntries(paths), definitions: Object.fromEntries(definitions) }
}

function newNames({ definitions }: OpenApiV2, known: ReadonlyMap<string, unknown>): Map<string, string> {
  const renamed = new Map<string, string>()
  for (const [name, value] of Object.entries(definitions)) {
    let free = name
    for (let n = 2; known.has(free) && !sameMeaning(known.get(free), value); n++) free = `${name}_v${n}`
    if (free !== name) renamed.set(name, free)
  }
  return renamed
}

function* namesIn(value: unknown): Generator<string, void, undefined> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value))
    if (key === '$ref' && typeof inner === 'string' && inner.startsWith(prefix)) yield inner.slice(prefix.length)
    else yield* namesIn(inner)
}

function renameIn(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map(item => renameIn(item, renamed))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = key === '$ref' && typeof inner === 'string' ? renamed.get(inner.slice(prefix.length)) : undefined
      return [key, name === undefined ? renameIn(inner, renamed) : `${prefix}${name}`]
    }),
  )
}
