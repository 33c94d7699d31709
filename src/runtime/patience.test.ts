import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { askPatiently } from './patience.ts'
import { RuntimeFailed, RuntimeUnavailable } from './runtime.ts'

const away = () => new RuntimeUnavailable('it does not answer')

test('a runtime that comes back is asked again until it answers', async () => {
  const clock = new VirtualClock()
  let asked = 0
  const answer = askPatiently(clock, async () => {
    if (++asked < 4) throw away()
    return 'here'
  })
  await clock.advance(1_000)
  expect([await answer, asked]).toEqual(['here', 4])
})

test('one that stays away is told as such after half a minute', async () => {
  const clock = new VirtualClock()
  let asked = 0
  const answer = askPatiently(clock, async () => {
    asked++
    throw away()
  })
  const ended = expect(answer).rejects.toThrow('it does not answer')
  await clock.advance(29_000)
  expect(asked).toBeGreaterThan(200)
  await clock.advance(2_000)
  await ended
})

test('a refusal is no absence', async () => {
  let asked = 0
  const refused = askPatiently(new VirtualClock(), async () => {
    asked++
    throw new RuntimeFailed('no')
  })
  await expect(refused).rejects.toThrow('no')
  expect(asked).toBe(1)
})
