import { expect, it } from 'vitest'
import { seededRandom } from '../src/base/random.ts'
import { killServer } from './support/killed-server.ts'

it('a server killed with -9 under load, fifteen times, also while it starts, has all that it acknowledged', async () => {
  const { acknowledged, wrong, recoveriesMs } = await killServer({
    ...{ kills: 15, objects: 2000, writes: 400 },
    random: seededRandom(21),
  })
  const [median, last] = [recoveriesMs[recoveriesMs.length >> 1]!, recoveriesMs.at(-1)!].map(Math.round)
  console.log(
    `${acknowledged} writes acknowledged, ${recoveriesMs.length} kills; ready after ${median} ms, at most ${last} ms`,
  )
  expect(wrong).toEqual([])
  expect(acknowledged).toBeGreaterThan(500)
})
