import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { openSqliteStore } from '../db/index.ts'
import { WatchHistory } from './testing/watch-history.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-watches-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([1, 2, 3, 4, 5, 6])(
  'a watch misses, repeats and reorders nothing, whatever breaks: history %i',
  async seed => {
    await using history = await WatchHistory.start(seededRandom(seed))
    for (let i = 0; i < 200; i++) await history.step()
    await expect(history.verify()).resolves.toBeUndefined()
  },
)

test('nor when the store ends with its server and is opened again from its file', async () => {
  const open = () => openSqliteStore({ path: join(folder, 'state.db') })
  await using history = await WatchHistory.start(seededRandom(7), open)
  for (let i = 0; i < 120; i++) await history.step()
  await expect(history.verify()).resolves.toBeUndefined()
})
