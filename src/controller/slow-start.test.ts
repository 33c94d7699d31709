import { expect, it } from 'vitest'
import { slowStart } from './slow-start.ts'

it.each([
  ['all fail', 10, 0, { done: 0, tried: 1 }],
  ['all succeed', 10, 10, { done: 10, tried: 10 }],
  ['some succeed', 10, 5, { done: 5, tried: 7 }],
  ['there are none', 0, 0, { done: 0, tried: 0 }],
])('when %s of %i, as %i may, no batch follows one that failed', async (_, count, allowed, expected) => {
  let calls = 0
  const failure = new Error('no more')
  const result = await slowStart(count, async () => {
    if (++calls > allowed) throw failure
  })
  expect(result).toEqual({ ...expected, error: expected.done < count ? failure : undefined })
  expect(calls).toBe(expected.tried)
})
