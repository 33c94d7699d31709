import { expect, test } from 'vitest'
import { checkExplanations } from '../testing/check-explanation.ts'

test('every change that is named lets the pod in: 10 000 rejected pods', () => {
  let rejected = 0
  for (let seed = 1_001; rejected < 10_000; seed++) {
    const found = checkExplanations(seed)
    expect(found.wrong).toBeUndefined()
    rejected += found.changes
  }
})
