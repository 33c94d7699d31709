import { expect, test } from 'vitest'
import { customColumns } from './custom-columns.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

function cellOf(type: string, value: unknown) {
  const [column] = customColumns([{ name: 'C', type, jsonPath: '.spec.x' }])
  return column!.cell({ spec: { x: value } } as never, now)
}

test('dates are those of RFC 3339 alone, and an empty one is not known yet', () => {
  const values = ['2025-12-31T23:00:00Z', '2025-12-31T23:00:00+00:00', '2025-12-31', 'yesterday', '', 'null', 7, null]
  const cells = values.map(value => cellOf('date', value))
  expect(cells).toEqual(['60m', '60m', '<invalid>', '<invalid>', '<unknown>', '<unknown>', null, null])
})

test('texts are printed as by Go: null, small numbers, objects in the order of their keys', () => {
  const values = [null, 0.00001, 0.5, 1e21, 12, true, { b: '<&>', a: { d: 1, c: [null] } }, ['x', 1n]]
  expect(values.map(value => cellOf('string', value))).toEqual([
    ...['<no value>', '1e-05', '0.5', '1e+21', '12', 'true'],
    ...['{"a":{"c":[null],"d":1},"b":"\\u003c\\u0026\\u003e"}', '["x",1]'],
  ])
})
