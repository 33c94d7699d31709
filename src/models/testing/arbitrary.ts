import fc from 'fast-check'
import type { ObjectType, ScalarType, Type } from '../schema/types.ts'

/**
 * Random well-typed objects of a type, for property tests. Small ones: most fields are absent. apiVersion and kind of whole
 * objects are left to the caller.
 */
export function arbitraryObject(type: ObjectType, depth = 0): fc.Arbitrary<unknown> {
  if (depth > 7) return fc.constant({})
  const isKind = type.fields.has('metadata')
  const names = [...type.fields.keys()].filter(name => !isKind || (name !== 'apiVersion' && name !== 'kind'))
  const likely = Math.min(1, 4 / (names.length || 1))
  return fc
    .tuple(
      fc.subarray(names),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
    )
    .chain(([chosen, , dice]) => {
      const kept = depth === 0 ? chosen : chosen.filter(() => (dice.next().value as number) < likely)
      return fc.record(
        Object.fromEntries(kept.map(name => [name, arbitraryValue(type.fields.get(name)!.type, depth + 1)])),
      )
    })
}

function arbitraryValue(type: Type, depth: number): fc.Arbitrary<unknown> {
  switch (type.form) {
    case 'object':
      return arbitraryObject(type, depth)
    case 'list':
      return fc.array(arbitraryValue(type.of, depth), { maxLength: 2 })
    case 'map':
      return fc.dictionary(fc.constantFrom('a', 'b.c/d', '__proto__', ''), arbitraryValue(type.of, depth), {
        maxKeys: 2,
      })
    default:
      return arbitraryScalar(type, depth)
  }
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const json = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<unknown>(1, 'x', null, [true], {}), {
  maxKeys: 2,
})
const schema = fc.constantFrom<unknown>({ type: 'string' }, {}, { properties: { a: { type: 'object' } } })

function arbitraryScalar({ scalar, enum: allowed }: ScalarType, depth: number): fc.Arbitrary<unknown> {
  if (allowed) return fc.constantFrom(...allowed)
  switch (scalar) {
    case 'bool':
      return fc.boolean()
    case 'int32':
      return fc.oneof(fc.constant(0), int32)
    case 'int64':
      return fc.oneof(
        fc.constant(0),
        fc.maxSafeInteger(),
        fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n),
      )
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => (Object.is(n, -0) ? 0 : n))
    case 'quantity':
      return fc.constantFrom('0', '1', '1000m', '1.5Gi', '1e3', '-3', 5)
    case 'intOrString':
      return fc.oneof(int32, fc.constantFrom('', '25%', 'http'))
    case 'time':
      return fc.constantFrom('1970-01-01T00:00:00Z', '2024-02-29T23:59:59Z', '1960-01-01T00:00:00Z')
    case 'microTime':
      return fc.constantFrom(
        '2024-02-29T23:59:59.000001Z',
        '2024-02-29T23:59:59.999999Z',
        '1970-01-01T00:00:00.000000Z',
      )
    case 'bytes':
      return fc.uint8Array({ maxLength: 5 }).map(data => btoa(String.fromCharCode(...data)))
    case 'any':
      return json
    case 'schemaOrBool':
      return fc.oneof(fc.boolean(), schema)
    case 'schemaOrSchemas':
      return fc.oneof(schema, fc.array(schema, { minLength: 1, maxLength: 2 }))
    case 'schemaOrStrings':
      return fc.oneof(schema, fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 }))
    default:
      return fc.oneof(fc.constantFrom('', 'a', 'Größe ⚙', 'x'.repeat(200)), fc.string({ maxLength: depth }))
  }
}
