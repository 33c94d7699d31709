import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { openSqliteStore } from '../db/index.ts'
import { WatchHistory } from './testing/watch-history.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-watches-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function prove(history: WatchHistory, seed: number): Promise<void> {
  for (let i = 0; i < 300; i++) await history.step()
  await history.verify().catch(cause => {
    throw new Error(`seed ${seed}: ${cause.message}`, { cause })
  })
}

test('500 histories of reconnects, restarts and compactions: watches tell what the store’s log says', async () => {
  for (let seed = 1_000; seed < 1_500; seed++) {
    await using history = await WatchHistory.start(seededRandom(seed))
    await prove(history, seed)
  }
})

test('the same where the store ends with its server and is opened again from its file', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const open = () => openSqliteStore({ path: join(folder, `${seed}.db`) })
    await using history = await WatchHistory.start(seededRandom(seed), open)
    await prove(history, seed)
  }
})
