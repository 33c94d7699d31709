import { describe, expect, test } from 'vitest'
import type { FieldError } from '../field-error.ts'
import { checkRules } from './check-rules.ts'
import { checkRuleDefinitions } from './rule-definitions.ts'
import { nodeOf } from './schema-node.ts'

type Rule = Record<string, unknown>
const integer = { type: 'integer' }
const withRules = (rules: Rule[], properties: object = { min: integer, max: integer }): any => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, 'x-kubernetes-validations': rules } },
})
const told = (schema: object, spec: unknown, before?: unknown) =>
  checkRules({ spec }, nodeOf(schema), before === undefined ? undefined : { spec: before }).map(
    e => `${e.field}: ${e.message}`,
  )
const refused = (schema: any) => checkRuleDefinitions(schema, 'schema').map(e => `${e.field}: ${e.message}`)

describe('a rule', () => {
  test('refuses in its own words, or in those of its message', () => {
    const rule = { rule: 'self.min <= self.max' }
    expect(told(withRules([rule]), { min: 1, max: 2 })).toEqual([])
    expect(told(withRules([rule]), { min: 3, max: 2 })).toEqual([
      'spec: Invalid value: "object": failed rule: self.min <= self.max',
    ])
    const more = { ...rule, message: 'min first', reason: 'FieldValueForbidden', fieldPath: '.min' }
    expect(told(withRules([more]), { min: 3, max: 2 })).toEqual(['spec.min: Forbidden: min first'])
    const computed = { ...rule, message: 'plain', messageExpression: '"%d is too much".format([self.min])' }
    expect(told(withRules([computed]), { min: 3, max: 2 })).toEqual(['spec: Invalid value: "object": 3 is too much'])
  })

  test('that fails while it runs says why', () => {
    expect(told(withRules([{ rule: 'self.min / self.max > 0' }]), { min: 3, max: 0 })).toEqual([
      'spec: Invalid value: "object": division by zero evaluating rule: self.min / self.max > 0',
    ])
  })

  test('about a change is asked only when there was something before', () => {
    const kept = withRules([{ rule: 'self.min == oldSelf.min' }])
    expect(told(kept, { min: 1 })).toEqual([])
    expect(told(kept, { min: 2 }, { min: 1 })).toHaveLength(1)
    const first = withRules([{ rule: 'oldSelf.hasValue() || self.min == 0', optionalOldSelf: true }])
    expect(told(first, { min: 1 })).toHaveLength(1)
    expect(told(first, { min: 2 }, { min: 1 })).toEqual([])
  })

  test('does not refuse again what is as it was', () => {
    const rule = withRules([{ rule: 'self.min <= self.max' }])
    expect(told(rule, { min: 3, max: 2 }, { min: 3, max: 2 })).toEqual([])
    expect(told(rule, { min: 4, max: 2 }, { min: 3, max: 2 })).toHaveLength(1)
  })

  test('tells what it does not refuse again', () => {
    const tolerated: FieldError[] = []
    const value = { spec: { min: 3, max: 2 } }
    const node = nodeOf(withRules([{ rule: 'self.min <= self.max' }]))
    expect(checkRules(value, node, structuredClone(value), '', true, tolerated)).toEqual([])
    expect(tolerated.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'spec: Invalid value: "object": failed rule: self.min <= self.max',
    ])
  })

  test('follows the elements of a list by their keys', () => {
    const item = {
      type: 'object',
      properties: { name: { type: 'string' }, size: integer },
      'x-kubernetes-validations': [{ rule: 'self.size >= oldSelf.size', message: 'no shrinking' }],
    }
    const disks = {
      type: 'array',
      items: item,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    }
    const schema = withRules([], { disks })
    const before = {
      disks: [
        { name: 'a', size: 2 },
        { name: 'b', size: 2 },
      ],
    }
    expect(
      told(
        schema,
        {
          disks: [
            { name: 'b', size: 1 },
            { name: 'a', size: 3 },
          ],
        },
        before,
      ),
    ).toEqual(['spec.disks[0]: Invalid value: "object": no shrinking'])
  })

  test('that costs too much ends the questions', () => {
    const numbers = { type: 'array', items: integer }
    const schema = withRules(
      [{ rule: 'self.n.all(a, self.n.all(b, self.n.all(c, a + b + c > 0)))' }, { rule: 'false' }],
      {
        n: numbers,
      },
    )
    const [only, ...others] = told(schema, { n: Array.from({ length: 300 }, (_, i) => i + 1) })
    expect(only).toContain(
      'no further validation rules will be run due to call cost exceeds limit for rule: self.n.all',
    )
    expect(others).toEqual([])
  })

  test('knows quantities and addresses', () => {
    const text = { type: 'string' }
    const schema = withRules([{ rule: 'isCIDR(self.net) && quantity(self.size).isLessThan(quantity("2Gi"))' }], {
      net: text,
      size: text,
    })
    expect(told(schema, { net: '10.0.0.0/8', size: '1Gi' })).toEqual([])
    expect(told(schema, { net: '10.0.0.0', size: '1Gi' })).toHaveLength(1)
  })
})

describe('when a definition is made', () => {
  test('a rule that does not compile is refused', () => {
    const [text, ...others] = refused(withRules([{ rule: 'self.missing > 0' }]))
    expect(text).toMatch(
      /^schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: .*compilation failed: ERROR: <input>:1:5: undefined field 'missing'/,
    )
    expect(others).toEqual([])
    expect(refused(withRules([{ rule: '1 + 1' }]))[0]).toContain('cel expression must evaluate to a bool')
    expect(refused(withRules([{ rule: 'true', messageExpression: '1' }]))[0]).toContain(
      'messageExpression must evaluate to a string',
    )
    expect(refused(withRules([{ rule: 'true', optionalOldSelf: true }]))[0]).toContain(
      'may not be set if oldSelf is not used in rule',
    )
  })

  test('so is one that could cost too much, until the schema sets limits', () => {
    const list = (more: object) => ({ type: 'array', items: { type: 'string', ...more }, ...more })
    const rule = 'self.names.all(a, self.names.all(b, a == b))'
    expect(refused(withRules([{ rule }], { names: list({}) }))[0]).toMatch(
      /Forbidden: estimated rule cost exceeds budget by factor of more than 100x \(try simplifying the rule/,
    )
    expect(refused(withRules([{ rule }], { names: list({ maxItems: 10, maxLength: 10 }) }))).toEqual([])
    // The keys of a map count as empty: Gateway API's own definition would be too dear otherwise.
    const labels = { type: 'object', maxProperties: 16, additionalProperties: { type: 'string', maxLength: 4096 } }
    const keys = [{ rule: 'self.labels.all(key, key.matches("^[a-z]+$"))' }]
    expect(refused(withRules(keys, { labels }))).toEqual([])
  })

  test('so is one about a past that cannot be known', () => {
    const items = { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] }
    expect(refused(withRules([], { names: { type: 'array', maxItems: 5, items } }))[0]).toContain(
      'oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[spec].properties[names]',
    )
  })
})

test('what only stored rules may use is refused in new ones, and words of the language name fields', () => {
  const list = { l: { type: 'array', maxItems: 3, items: integer }, namespace: { type: 'string', maxLength: 9 } }
  const two = withRules([{ rule: 'self.l.all(i, v, v > i)' }], list)
  const bound = withRules([{ rule: 'true', messageExpression: 'cel.bind(x, "a", x)' }], list)
  expect(refused(two)[0]).toContain("ERROR: <input>:1:11: undeclared reference to 'all' (in container '')")
  expect(refused(bound)[0]).toContain("undeclared reference to 'cel' (in container '')")
  expect(checkRuleDefinitions(two, 'schema', new Set(['self.l.all(i, v, v > i)']))).toEqual([])
  expect(refused(withRules([{ rule: 'self.l.all(v, v > 0)' }], list))).toEqual([])
  const named = withRules([{ rule: 'self.namespace == "x" && self.__namespace__ == "x"' }], list)
  expect(refused(named)).toEqual([])
  expect(told(named, { namespace: 'x' })).toEqual([])
  expect(told(named, { namespace: 'y' })).toHaveLength(1)
  expect(refused(withRules([{ rule: 'has(self.zz)' }], list))[0]).toContain("<input>:1:4: undefined field 'zz'")
})
