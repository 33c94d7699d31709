import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { openEtcdStore } from './etcd/etcd-store.ts'
import { EtcdCluster } from './etcd/testing/cluster.ts'
import { openSqliteStore } from './sqlite/sqlite-store.ts'
import { compareWithLog } from './testing/watch-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-watch-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('SQLite tells twelve watchers, some of them slow, what was acknowledged, over restarts and compactions', async () => {
  const open = () => openSqliteStore({ path: join(folder, 'state.db'), bufferedEvents: 64 })
  const outcome = await compareWithLog({ open, random: seededRandom(5), commits: 10_000, restarts: 4 })
  console.log(outcome)
  expect(outcome.wrong).toEqual([])
  expect(outcome.compacted).toBeGreaterThan(0)
})

it('etcd tells them the same', async () => {
  const etcd = await EtcdCluster.start(3)
  try {
    const open = () => openEtcdStore({ endpoints: etcd.endpoints, bufferedEvents: 64 })
    const outcome = await compareWithLog({ open, random: seededRandom(6), commits: 6_000, restarts: 2 })
    console.log(outcome)
    expect(outcome.wrong).toEqual([])
  } finally {
    await etcd.stop()
  }
})
