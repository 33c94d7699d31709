import { expect, test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { WatchHistory } from './testing/watch-history.ts'

test.each([1, 2, 3, 4, 5, 6])(
  'a watch misses, repeats and reorders nothing, whatever breaks: history %i',
  async seed => {
    await using history = await WatchHistory.start(seededRandom(seed))
    for (let i = 0; i < 200; i++) await history.step()
    await expect(history.verify()).resolves.toBeUndefined()
  },
)
