import { type CelField, type CelType, cel, fieldOf, ObjectType } from './types.ts'

/** The part of an OpenAPI or structural schema that decides what expressions see. */
export interface CelSchema {
  type?: string
  format?: string
  items?: CelSchema
  properties?: Record<string, CelSchema>
  additionalProperties?: CelSchema | boolean
  required?: string[]
  enum?: unknown[]
  default?: unknown
  maxLength?: number
  maxItems?: number
  maxProperties?: number
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
}

/** Kubernetes counts the keys of maps as empty when it bounds costs; published definitions rely on it. */
const mapKey: CelType = { kind: 'string', maxElements: 0 }

/** The largest request that is taken, in bytes: what nothing can be longer than. */
const maxRequestBytes = 3 * 1024 * 1024
const textOf = { type: 'string' }

/**
 * What an expression sees of values of a schema. Texts of format `byte`, `date`, `date-time` and `duration` become bytes,
 * timestamps and durations; unknown fields are not seen.
 * @param root true for a whole resource: then its names and metadata are seen, whatever the schema says
 * @returns undefined where the schema says too little for expressions to look there
 */
export function celTypeOfSchema(schema: CelSchema, { root = false } = {}): CelType | undefined {
  if (schema['x-kubernetes-int-or-string'])
    return { kind: 'dyn', minJsonBytes: 1, maxElements: bound(schema.maxLength, 4) ?? maxRequestBytes - 2 }
  switch (schema.type) {
    case 'array':
      return listType(schema)
    case 'object':
      return objectType(root ? withMetadata(schema) : schema)
    case 'string':
      return textType(schema)
    case 'boolean':
      return { kind: 'bool', minJsonBytes: 4, maxElements: 0 }
    case 'number':
      return { kind: 'double', minJsonBytes: 1, maxElements: 0 }
    case 'integer':
      return { kind: 'int', minJsonBytes: 1, maxElements: 0 }
    default:
      return root ? objectType(withMetadata(schema)) : undefined
  }
}

const bound = (given: number | undefined, factor = 1): number | undefined =>
  given === undefined ? undefined : Math.max(given, 0) * factor

const nested = (schema: CelSchema): CelType | undefined =>
  celTypeOfSchema(schema, { root: schema['x-kubernetes-embedded-resource'] ?? false })

const leastBytes = (type: CelType): number => ('minJsonBytes' in type ? (type.minJsonBytes ?? 0) : 0)

function listType(schema: CelSchema): CelType | undefined {
  const of = schema.items && nested(schema.items)
  if (!of) return undefined
  const semantics = schema['x-kubernetes-list-type']
  return cel.list(of, {
    minJsonBytes: 2,
    maxElements: bound(schema.maxItems) ?? Math.floor((maxRequestBytes - 2) / (leastBytes(of) + 1)),
    ...(semantics === 'set' || semantics === 'map' ? { semantics } : {}),
    ...(semantics === 'map' ? { keys: schema['x-kubernetes-list-map-keys'] ?? [] } : {}),
  })
}

function objectType(schema: CelSchema): CelType | undefined {
  const { additionalProperties: more, properties = {} } = schema
  if (typeof more === 'object') {
    const of = nested(more)
    if (!of) return undefined
    const maxElements = bound(schema.maxProperties) ?? Math.floor((maxRequestBytes - 2) / (leastBytes(of) + 6))
    return cel.map(mapKey, of, { minJsonBytes: 2, maxElements })
  }
  const fields = new Map<string, CelField>()
  let bytes = 2
  for (const [name, property] of Object.entries(properties)) {
    const type = nested(property)
    if (!type) continue
    for (const [escaped, field] of fieldOf(name, type)) fields.set(escaped, field)
    if (schema.required?.includes(name) && property.default === undefined) bytes += name.length + leastBytes(type) + 4
  }
  return new ObjectType('object', () => fields, bytes)
}

function withMetadata(schema: CelSchema): CelSchema {
  const metadata = { type: 'object', properties: { name: textOf, generateName: textOf } }
  return { ...schema, type: 'object', properties: { ...schema.properties, apiVersion: textOf, kind: textOf, metadata } }
}

function textType({ format, maxLength, enum: allowed }: CelSchema): CelType {
  switch (format) {
    case 'byte':
      return { kind: 'bytes', minJsonBytes: 2, maxElements: bound(maxLength) ?? maxRequestBytes - 2 }
    case 'duration':
      return { kind: 'duration', minJsonBytes: 3, maxElements: 32 }
    case 'date':
      return { kind: 'timestamp', minJsonBytes: 12, maxElements: 12 }
    case 'date-time':
      return { kind: 'timestamp', minJsonBytes: 21, maxElements: 32 }
    default:
      return { kind: 'string', minJsonBytes: 2, maxElements: bound(maxLength, 4) ?? longestOf(allowed) }
  }
}

/** A text is at most as long as the longest of the values that it may have. */
function longestOf(allowed: unknown[] | undefined): number {
  if (!allowed?.length) return maxRequestBytes - 2
  return Math.max(...allowed.map(value => (typeof value === 'string' ? new TextEncoder().encode(value).length : 0)))
}
