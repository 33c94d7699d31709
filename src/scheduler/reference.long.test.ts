import { expect, test } from 'vitest'
import { compareWithReference } from './testing/compare.ts'

test('decides as a slow, plain reference does, through 20 000 random histories', () => {
  for (let seed = 10_001; seed <= 30_000; seed++) expect(compareWithReference(seed)).toBeUndefined()
})
