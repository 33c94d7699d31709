import { expect, test } from 'vitest'
import { flag } from './query-flag.ts'

test.each([
  ['', false],
  ['on=false', false],
  ['on=False', false],
  ['on=0', false],
  ['on', true],
  ['on=1', true],
  // As the Python client writes it.
  ['on=True', true],
])('?%s: %s', (query, on) => expect(flag(new URLSearchParams(query), 'on')).toBe(on))
