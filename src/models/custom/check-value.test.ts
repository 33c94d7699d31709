import { describe, expect, test } from 'vitest'
import { checkEmbedded } from './check-embedded.ts'
import { checkUnique } from './check-lists.ts'
import { checkValue } from './check-value.ts'
import { nodeOf } from './schema-node.ts'

const told = (schema: object, value: unknown, before?: unknown) =>
  checkValue({ x: value }, nodeOf({ type: 'object', properties: { x: schema as any } }), before && { x: before }).map(
    e => `${e.field}: ${e.message}`,
  )

describe('a value', () => {
  test.each<[object, unknown, string]>([
    [{ type: 'string' }, 1, 'x: Invalid value: "integer": x in body must be of type string: "integer"'],
    [{ type: 'integer' }, 1.5, 'x: Invalid value: "number": x in body must be of type integer: "number"'],
    [{ type: 'string' }, null, 'x: Invalid value: "null": x in body must be of type string: "null"'],
    [
      { 'x-kubernetes-int-or-string': true },
      true,
      'x: Invalid value: "boolean": x in body must be of type integer,string: "boolean"',
    ],
    [{ type: 'integer', maximum: 3 }, 4, 'x: Invalid value: 4: x in body should be less than or equal to 3'],
    [
      { type: 'integer', minimum: 3, exclusiveMinimum: true },
      3,
      'x: Invalid value: 3: x in body should be greater than 3',
    ],
    [{ type: 'integer', multipleOf: 4 }, 6, 'x: Invalid value: 6: x in body should be a multiple of 4'],
    [{ type: 'string', minLength: 2 }, 'é', 'x: Invalid value: "é": x in body should be at least 2 chars long'],
    [{ type: 'string', maxLength: 2 }, 'abc', 'x: Too long: may not be more than 2 bytes'],
    [{ type: 'string', pattern: '^a+$' }, 'b', `x: Invalid value: "b": x in body should match '^a+$'`],
    [{ type: 'string', format: 'byte' }, 7, 'x: Invalid value: "int64": x in body must be of type byte: "int64"'],
    [{ type: 'string', format: 'byte' }, 1.5, 'x: Invalid value: "float64": x in body must be of type byte: "float64"'],
    [{ type: 'string', format: 'byte' }, true, 'x: Invalid value: "": x in body must be of type byte: ""'],
    [
      { type: 'string', format: 'unheard-of' },
      7,
      'x: Invalid value: "integer": x in body must be of type string: "integer"',
    ],
    [{ enum: ['a'] }, {}, 'x: Unsupported value: map[string]interface {}{}: supported values: "a"'],
    [{ enum: ['a'] }, ['b', 'c'], 'x: Unsupported value: []interface {}{"b", "c"}: supported values: "a"'],
    [{ type: 'string', enum: ['a', 'b'] }, 'c', 'x: Unsupported value: "c": supported values: "a", "b"'],
    [
      { type: 'string', format: 'date-time' },
      'now',
      'x: Invalid value: "now": x in body must be of type date-time: "now"',
    ],
    [{ type: 'array', maxItems: 1 }, [1, 2], 'x: Too many: 2: must have at most 1 items'],
    [{ type: 'array', minItems: 1 }, [], 'x: Invalid value: 0: x in body should have at least 1 items'],
    [{ type: 'object', maxProperties: 0 }, { a: 1 }, 'x: Too many: 1: must have at most 0 items'],
    [{ type: 'object', minProperties: 1 }, {}, 'x: Invalid value: 0: x in body should have at least 1 properties'],
    [{ type: 'object', required: ['a'] }, {}, 'x.a: Required value'],
    [
      { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
      [{}, { a: 1 }],
      'x[1].a: Invalid value: "integer": x[1].a in body must be of type string: "integer"',
    ],
    [
      { type: 'object', additionalProperties: { type: 'integer' } },
      { k: 'v' },
      'x.k: Invalid value: "string": x.k in body must be of type integer: "string"',
    ],
    [{ type: 'integer', not: { minimum: 5 } }, 6, '<nil>: Invalid value: "": "x" must not validate the schema (not)'],
  ])('%j refuses %j', (schema, value, text) => {
    expect(told(schema, value)).toEqual([text])
  })

  test.each<[object, unknown]>([
    [{ type: 'number' }, 1],
    [{ type: 'string', nullable: true }, null],
    [{ 'x-kubernetes-preserve-unknown-fields': true }, [{ any: 'thing' }]],
    [{ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, '50%'],
    [{ type: 'string', format: 'unheard-of' }, 'anything'],
    [{ type: 'number', multipleOf: 0.1 }, 0.3],
    [{ type: 'string', pattern: '(a+)+$' }, `${'a'.repeat(5_000)}b`.slice(0, -1)],
    [{ type: 'array', items: { type: 'string', enum: ['a'] } }, ['a']],
  ])('%j takes %j', (schema, value) => {
    expect(told(schema, value)).toEqual([])
  })

  test('beyond int64 is no integer', () => {
    const beyond = 'x: Invalid value: "number": x in body must be of type integer: "number"'
    expect(told({ type: 'integer' }, 2n ** 64n)).toEqual([beyond])
    expect(told({ type: 'integer' }, 2n ** 63n - 1n)).toEqual([])
    expect(told({ type: 'integer', format: 'int32' }, 2 ** 31)).toEqual([])
  })

  test('of several schemas the one that fits best says what is wrong', () => {
    const either = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } }
    const oneOf = [{ required: ['a'] }, { required: ['b'] }]
    expect(told({ ...either, oneOf }, { a: 'x', b: 'y' })).toEqual([
      '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ])
    expect(told({ ...either, oneOf }, {})).toEqual([
      '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid',
      'x.a: Required value',
    ])
    expect(told({ ...either, anyOf: oneOf }, {})[0]).toBe(
      '<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)',
    )
    expect(told({ ...either, allOf: oneOf }, { a: 'x' })).toEqual([
      'x.b: Required value',
      '<nil>: Invalid value: "": "x" must validate all the schemas (allOf)',
    ])
  })

  test('that was there before a schema became tighter may stay, until it is changed', () => {
    const schema = {
      type: 'object',
      properties: { old: { type: 'string', maxLength: 1 }, other: { type: 'integer' } },
    }
    expect(told(schema, { old: 'long', other: 2 }, { old: 'long', other: 1 })).toEqual([])
    expect(told(schema, { old: 'longer', other: 1 }, { old: 'long', other: 1 })).toHaveLength(1)
    const list = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: { type: 'object', properties: { k: { type: 'string' }, v: { type: 'string', maxLength: 1 } } },
    }
    const before = [
      { k: 'a', v: 'long' },
      { k: 'b', v: 'x' },
    ]
    expect(
      told(
        list,
        [
          { k: 'b', v: 'y' },
          { k: 'a', v: 'long' },
        ],
        before,
      ),
    ).toEqual([])
    expect(told(list, [{ k: 'b', v: 'long' }], before)).toHaveLength(1)
    const text = { type: 'string' }
    const either = {
      type: 'object',
      properties: { a: text, b: text },
      anyOf: [{ properties: { a: { pattern: '^x' } } }],
    }
    expect(told(either, { a: 'bad', b: '1' }, { a: 'bad', b: '1' })).toEqual([])
    // Of a value that changed, its other schemas ask all again.
    expect(told(either, { a: 'bad', b: '2' }, { a: 'bad', b: '1' })).toHaveLength(2)
  })
})

test('a list is taken for a text that has a format', () => {
  expect(told({ type: 'string', format: 'byte' }, ['a'])).toEqual([])
  expect(told({ type: 'string' }, ['a'])).toHaveLength(1)
})

test('an element of a list with keys that is no object is shown as it is', () => {
  const node = nodeOf({
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['a'],
    items: { type: 'object' },
  })
  expect(checkUnique([['b', 'c']], node).map(e => e.message)).toEqual([
    'Invalid value: []interface {}{"b", "c"}: must be an object for an array of list-type map',
  ])
})

test('an embedded object says what it is', () => {
  const node = nodeOf({
    type: 'object',
    properties: { t: { type: 'object', 'x-kubernetes-embedded-resource': true } },
  })
  const refusals = (t: object) => checkEmbedded({ t }, node).map(e => `${e.field}: ${e.message}`)
  expect(refusals({ apiVersion: 'v1', kind: 'Pod', metadata: { labels: { a: 'b' } } })).toEqual([])
  expect(refusals({ kind: 'Pod', metadata: { name: 'a/b' } })).toEqual([
    't.apiVersion: Required value: must not be empty',
    `t.metadata.name: Invalid value: "a/b": may not contain '/'`,
  ])
})

test('apiVersion and kind of an object are checked though they are as they were', () => {
  const node = nodeOf({
    type: 'object',
    properties: { apiVersion: { type: 'string', pattern: '/v1$' }, a: { type: 'string', pattern: '^b' } },
  })
  const value = { apiVersion: 'x/v2', a: 'c' }
  expect(checkValue(value, node, { ...value, other: 1 }).map(e => e.field)).toEqual(['apiVersion'])
})
