import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { followAbort } from './abort.ts'

test('a controller aborts with the signal that it follows, for the same reason, until it no longer does', () => {
  const source = new AbortController()
  const [followed, left, late] = [new AbortController(), new AbortController(), new AbortController()]
  const end = followAbort(followed, source.signal)
  followAbort(left, source.signal)()
  source.abort('because')
  expect([followed.signal.reason, left.signal.aborted]).toEqual(['because', false])
  followAbort(late, source.signal)
  expect(late.signal.reason).toBe('because')
  end()
  expect(getEventListeners(source.signal, 'abort')).toEqual([])
})
