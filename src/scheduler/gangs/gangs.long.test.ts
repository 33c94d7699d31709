import { expect, test } from 'vitest'
import { checkGangs } from '../testing/check-gangs.ts'

test('no gang is placed in part or stuck in 10 000 interleavings', async () => {
  for (let seed = 1_001; seed <= 11_000; seed++) expect(await checkGangs(seed)).toBeUndefined()
})
