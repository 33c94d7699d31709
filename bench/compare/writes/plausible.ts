import { isIntOrString, isQuantity, type Schema, type Schemas } from '../schemas.ts'
import type { Json } from '../side.ts'
import { someTime } from '../told.ts'

/** What fields of these names want to be, where the schema only says that it is a text. */
const byName: Record<string, Json> = {
  apiVersion: 'v1',
  kind: 'Pod',
  apiGroup: '',
  operator: 'In',
  expression: 'true',
  ip: '10.0.0.1',
  clusterIP: 'None',
  image: 'i',
  mountPath: '/a',
  devicePath: '/b',
  path: '/a',
  cidr: '10.1.0.0/24',
  key: 'a',
  url: 'https://a.example/',
  topologyKey: 'a',
  schedule: '* * * * *',
  timeZone: 'Etc/UTC',
  deletionTimestamp: null,
}

/** A value that the schema allows, with no more than it asks for. */
export function plausible(schemas: Schemas, schema: Schema, field = '', depth = 0): Json {
  const known = schemas.resolve(schema)
  if (isQuantity(known)) return '1'
  if (isIntOrString(known)) return 1
  if (known.enum) return known.enum[0]
  switch (known.type) {
    case 'string':
      if (known.format === 'date-time')
        return known.name?.endsWith('MicroTime') ? someTime.replace('Z', '.000000Z') : someTime
      if (known.format === 'byte') return 'YQ=='
      return byName[field] ?? 'a'
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return true
    case 'array':
      return [plausible(schemas, known.items ?? {}, field, depth + 1)]
    default:
      if (known.properties && depth < 8) {
        const names = known.required ?? []
        return Object.fromEntries(
          names.map(name => [name, plausible(schemas, known.properties![name] ?? {}, name, depth + 1)]),
        )
      }
      return known.additionalProperties ? { a: plausible(schemas, known.additionalProperties, '', depth + 1) } : {}
  }
}
