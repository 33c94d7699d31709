import { expect, test } from 'vitest'
import { checkScale } from './check-scale.ts'

const scale = { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n', labelSelectorPath: '.status.s' }
const told = (object: object) => checkScale(object as any, scale).map(e => `${e.field}: ${e.message}`)

test.each<[object, string[]]>([
  [{}, []],
  [{ spec: { n: 1 }, status: { n: 0, s: 'a=b' } }, []],
  [{ spec: null }, []],
  [{ spec: { n: -1 } }, ['.spec.n: Invalid value: -1: should be a non-negative integer']],
  [
    { spec: { n: 2 ** 31 }, status: { n: '1', s: 5 } },
    [
      '.spec.n: Invalid value: 2147483648: should be less than or equal to 2147483647',
      '.status.n: Invalid value: 0: .status.n accessor error: 1 is of the type string, expected int64',
      '.status.s: Invalid value: "": .status.s accessor error: 5 is of the type int64, expected string',
    ],
  ],
  [
    { spec: 'x', status: { n: null, s: [] } },
    [
      '.spec.n: Invalid value: 0: .spec.n accessor error: x is of the type string, expected map[string]interface{}',
      '.status.n: Invalid value: 0: .status.n accessor error: <nil> is of the type <nil>, expected int64',
      '.status.s: Invalid value: "": .status.s accessor error: [] is of the type []interface {}, expected string',
    ],
  ],
])('%j', (object, problems) => {
  expect(told(object).map(line => line.replace(/^\S+: (?=\.)/, ''))).toEqual(problems)
})
