import { isIntOrString, isQuantity, type Schema, type Schemas } from '../schemas.ts'
import type { Json } from '../side.ts'
import { plausible } from './plausible.ts'

/** Nothing stands there. */
export const absent = Symbol('absent')

/** What is put where something else stood. */
export interface Mutation {
  name: string
  value: Json | typeof absent
}

const of = (name: string, value: Json): Mutation => ({ name, value })
const longText = 'x'.repeat(300)

/** @param current what stands there before, and undefined for nothing */
export function mutationsOf(
  schemas: Schemas,
  schema: Schema & { name?: string },
  field: string,
  current: Json,
): Mutation[] {
  const fitting = plausible(schemas, schema, field)
  const general = [
    ...(current === undefined ? [of('set', fitting)] : [{ name: 'absent', value: absent }]),
    of('null', null),
  ]
  return [...general, ...particular(schemas, schema, current ?? fitting)]
}

function particular(_schemas: Schemas, schema: Schema & { name?: string }, current: Json): Mutation[] {
  if (isQuantity(schema))
    return [
      of('negative', '-1'),
      of('text', 'x'),
      of('empty', ''),
      of('fine', '1.0005'),
      of('number', 1000),
      of('zero', '0'),
      of('exponent', '1e3'),
    ]
  if (isIntOrString(schema))
    return [
      of('empty', ''),
      of('text', 'a-b'),
      of('percent', '50%'),
      of('negative', -1),
      of('huge', 70_000),
      of('list', []),
    ]
  switch (schema.type) {
    case 'string':
      return [
        ...[of('empty', ''), of('number', 7), of('list', []), of('spaced', 'Not Valid!')],
        ...(schema.format === 'date-time' || schema.format === 'byte' ? [] : [of('long', longText), of('name', 'b')]),
        ...(schema.enum ?? []).map(value => of(value, value)),
      ]
    case 'integer':
    case 'number':
      return [
        ...[of('zero', 0), of('negative', -1), of('two', 2), of('text', '1'), of('fraction', 1.5), of('huge', 2 ** 31)],
        ...[of('hundred thousand', 100_000), of('object', {})],
      ]
    case 'boolean':
      return [of('false', false), of('true', true), of('text', 'true'), of('number', 1)]
    case 'array': {
      const [first] = Array.isArray(current) ? current : []
      return [
        ...[
          of('empty list', []),
          of('doubled', [first, first]),
          of('holds null', [null]),
          of('object', {}),
          of('text', 'a'),
        ],
        ...(isObject(first) ? [of('holds {}', [{}])] : [of('holds empty', [''])]),
      ]
    }
    default:
      return [
        ...[of('empty object', {}), of('list', []), of('text', 'a')],
        ...(schema.additionalProperties
          ? [
              of('bad key', { 'Bad Key!': Object.values(current ?? {})[0] ?? 'a' }),
              of('empty key', { '': Object.values(current ?? {})[0] ?? 'a' }),
              of('null entry', { a: null }),
            ]
          : [of('unknown', { ...(isObject(current) ? current : {}), unknown: 1 })]),
      ]
  }
}

const isObject = (value: Json) => value !== null && typeof value === 'object' && !Array.isArray(value)
