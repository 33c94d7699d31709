import { expect, test } from 'vitest'
import { TokenBuckets } from './token-buckets.ts'
import { VirtualClock } from './virtual-clock.ts'

const rate = { perSecond: 2, burst: 3 }

test('so many at once, then so many a second; who comes too early is told how long it takes', async () => {
  const clock = new VirtualClock()
  const buckets = new TokenBuckets(clock, 10)
  const take = () => buckets.take('a', rate)
  expect([take(), take(), take(), take()]).toEqual([0, 0, 0, 500])
  await clock.advance(250)
  expect(take()).toBe(250)
  await clock.advance(250)
  expect([take(), take(), buckets.take('b', rate)]).toEqual([0, 500, 0])
  await clock.advance(3_600_000)
  expect([take(), take(), take(), take()]).toEqual([0, 0, 0, 500])
})

test('who came least lately is forgotten, and has a whole burst again', () => {
  const buckets = new TokenBuckets(new VirtualClock(), 2)
  const spend = (who: string) => [1, 2, 3, 4].map(() => buckets.take(who, rate)).filter(ms => ms === 0).length
  expect(['a', 'b', 'a', 'c', 'a', 'b'].map(spend)).toEqual([3, 3, 0, 3, 0, 3])
})
