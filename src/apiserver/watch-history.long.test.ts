import { test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { WatchHistory } from './testing/watch-history.ts'

test('500 histories of reconnects, restarts and compactions: watches tell what the store’s log says', async () => {
  for (let seed = 1_000; seed < 1_500; seed++) {
    await using history = await WatchHistory.start(seededRandom(seed))
    for (let i = 0; i < 300; i++) await history.step()
    await history.verify().catch(cause => {
      throw new Error(`seed ${seed}: ${cause.message}`, { cause })
    })
  }
})
