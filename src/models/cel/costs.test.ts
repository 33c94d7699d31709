import { describe, expect, test } from 'vitest'
import { cel, celTypeOfSchema, compileCel } from './index.ts'

/** What runs cost and estimates bound, for rules of a custom resource: Kubernetes' numbers, which decide what it takes. */
const schema = {
  type: 'object',
  properties: {
    number: { type: 'integer' },
    text: { type: 'string', maxLength: 5 },
    long: { type: 'string' },
    list: { type: 'array', items: { type: 'integer' } },
    few: { type: 'array', maxItems: 10, items: { type: 'string', maxLength: 5 } },
    map: { type: 'object', additionalProperties: { type: 'integer' } },
    time: { type: 'string', format: 'date-time' },
    either: { 'x-kubernetes-int-or-string': true },
    nested: { type: 'object', properties: { 'a-b': { type: 'boolean' }, none: { type: 'string', nullable: true } } },
  },
}
const self = {
  ...{ number: 5, text: 'abc', long: 'x'.repeat(100), list: [1, 2, 3], few: ['a', 'b'], map: { a: 1, b: 2 } },
  ...{ time: '2024-01-02T03:04:05+01:00', either: '25%', nested: { 'a-b': true, none: null } },
}
const type = celTypeOfSchema(schema)!
const compiled = (rule: string) => compileCel(rule, { variables: { self: type }, result: cel.bool })

describe('a rule', () => {
  test.each<[string, number, number]>([
    ['self.number == self.number', 5, 4],
    ['self.number == 5', 3, 2],
    ["self.text == 'abc'", 3, 3],
    ['type(self.number) == int', 4, 4],
    ['has(self.text) && self.nested.a__dash__b', 4, 4],
    ['1 in self.list', 5, 1_572_865],
    ['self.list.all(x, x > 0)', 18, 7_864_318],
    ['self.list.exists_one(x, x == 2)', 12, 4_718_593],
    ['self.list.map(x, x * 2).filter(x, x > 3).exists(x, x == 4)', 88, 53_477_367],
    ["self.few.exists(x, x.contains('b'))", 15, 73],
    ["self.long.matches('^x+$')", 13, 314_575],
    ["self.long.startsWith('xx')", 3, 3],
    ["self.map['a'] == 1", 4, 3],
    ['self.map.all(k, self.map[k] > 0)', 17, 3_595_115],
    ["type(self.either) == string && self.either == '25%'", 7, 7],
    ['!has(self.nested.none)', 3, 3],
  ])('%s costs %i, and at most %i', (rule, cost, most) => {
    const program = compiled(rule)
    expect(program.evaluate({ self }, { costLimit: 1e6 })).toEqual({ value: true, cost })
    expect(program.estimateCost().max).toBe(most)
  })

  test('sees times in their zone, and an absent field where one is null', () => {
    const value = (rule: string) =>
      compileCel(rule, { variables: { self: type } }).evaluate({ self }, { costLimit: 1e6 }).value
    expect(value('string(self.time)')).toBe('2024-01-02T03:04:05+01:00')
    expect(value('self.time.getHours()')).toBe(2)
    expect(value("self.nested.?none.orValue('none')")).toBe('none')
    expect(value('self.nested')).toEqual(self.nested)
  })

  test('compares lists as their schemas say', () => {
    const item = { type: 'object', properties: { k: { type: 'string' }, v: { type: 'integer' } } }
    const keyed = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] }
    const lists = celTypeOfSchema({
      type: 'object',
      properties: {
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        keyed: { type: 'array', ...keyed, items: item },
        plain: { type: 'array', items: { type: 'string' } },
      },
    })!
    const object = {
      set: ['a', 'b'],
      keyed: [
        { k: 'a', v: 1 },
        { k: 'b', v: 2 },
      ],
      plain: ['a', 'b'],
    }
    const value = (rule: string) =>
      compileCel(rule, { variables: { self: lists } }).evaluate({ self: object }, { costLimit: 1e6 }).value
    expect(value("self.set == ['b', 'a'] && self.plain != ['b', 'a']")).toBe(true)
    expect(value("self.set + ['b', 'c']")).toEqual(['a', 'b', 'c'])
    expect(value('size(self.keyed + self.keyed)')).toBe(2)
  })
})
