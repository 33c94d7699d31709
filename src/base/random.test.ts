import { expect, test } from 'vitest'
import { systemRandom } from './random.ts'

test('UUIDs are random ones of version 4, in small letters, no two alike', () => {
  const made = Array.from({ length: 1_000 }, () => systemRandom.uuid())
  for (const text of made) expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(made).size).toBe(made.length)
  // Each digit but the version's and the variant's takes every value.
  for (let at = 0; at < 36; at++) {
    const seen = new Set(made.map(text => text[at])).size
    expect([at, seen]).toEqual([at, at === 14 || '-'.includes(made[0]![at]!) ? 1 : at === 19 ? 4 : 16])
  }
})
