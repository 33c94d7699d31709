import { expect, test } from 'vitest'
import { goJson } from './go-json.ts'

test('members are ordered by their names as bytes, numbers as text, and what HTML could read is escaped', () => {
  const value = {
    b: { '10': 1, '9': 2n ** 63n },
    Z: [],
    a: {},
    é: null,
    gone: undefined,
    html: '<a & b>\u2028\n',
    l: [1.5, true],
  }
  expect(goJson(value)).toBe(`{
    "Z": [],
    "a": {},
    "b": {
        "10": 1,
        "9": 9223372036854775808
    },
    "html": "\\u003ca \\u0026 b\\u003e\\u2028\\n",
    "l": [
        1.5,
        true
    ],
    "é": null
}`)
})
