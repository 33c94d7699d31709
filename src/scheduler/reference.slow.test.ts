import { expect, test } from 'vitest'
import { compareWithReference } from './testing/compare.ts'

test('decides as a slow, plain reference does, through 200 random histories', () => {
  for (let seed = 1; seed <= 200; seed++) expect(compareWithReference(seed, 6)).toBeUndefined()
})
