import { expect, test } from 'vitest'
import { invalid } from './field-error.ts'

test.each<[value: unknown, text: string]>([
  [undefined, '"null"'],
  [null, '"null"'],
  ['null', '"null"'],
  ['a"b', '"a\\"b"'],
  [0, '0'],
  [['a', 'b'], '[]string{"a", "b"}'],
  [{ a: null }, '{"a":null}'],
])('%j is shown as Kubernetes shows it', (value, text) => {
  expect(invalid('spec.selector', value, 'field is immutable').message).toBe(
    `Invalid value: ${text}: field is immutable`,
  )
})
