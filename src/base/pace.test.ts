import { expect, test } from 'vitest'
import { Pace } from './pace.ts'
import { VirtualClock } from './virtual-clock.ts'

test('so many at once, the rest in the order of coming as often as the rate says', async () => {
  const clock = new VirtualClock()
  const pace = new Pace(clock, { perSecond: 2, burst: 3 })
  const done: string[] = []
  for (const who of ['a', 'b', 'c', 'd', 'e', 'f'])
    void pace.turn().then(() => done.push(`${who} ${clock.monotonicMs()}`))
  const start = clock.monotonicMs()
  await clock.advance(2_000)
  expect(done).toEqual([
    ...['a', 'b', 'c'].map(who => `${who} ${start}`),
    ...['d', 'e', 'f'].map((who, i) => `${who} ${start + 500 * (i + 1)}`),
  ])
  // What was not used for long is not more than the burst.
  await clock.advance(3_600_000)
  done.length = 0
  for (const who of ['a', 'b', 'c', 'd']) void pace.turn().then(() => done.push(who))
  await clock.advance(0)
  expect(done).toEqual(['a', 'b', 'c'])
})

test('nobody waits for one who gave up', async () => {
  const clock = new VirtualClock()
  const pace = new Pace(clock, { perSecond: 1, burst: 1 })
  await pace.turn()
  const giveUp = new AbortController()
  const given = expect(pace.turn(giveUp.signal)).rejects.toThrow()
  giveUp.abort()
  await given
  const start = clock.monotonicMs()
  const next = pace.turn().then(() => clock.monotonicMs() - start)
  await clock.advance(5_000)
  expect(await next).toBe(1_000)
})
