import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { openEtcdStore } from './etcd/etcd-store.ts'
import { EtcdCluster } from './etcd/testing/cluster.ts'
import { openSqliteStore } from './sqlite/sqlite-store.ts'
import type { Store } from './store.ts'
import { type Observed, observe, violations } from './testing/linearizability.ts'
import { StoreProcess } from './testing/store-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-linear-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const load = { clock: systemClock, random: seededRandom(11), keys: 20, clients: 16 }

it('SQLite answers 60,000 operations on single keys as one register each would, while history is compacted and the file reopened', async () => {
  const path = join(folder, 'state.db')
  const history: Observed[] = []
  for (let round = 1; round <= 6; round++) {
    const store = await openSqliteStore({ path, checkpointPages: 200 })
    const limit = round * 10_000
    const compacting = (async () => {
      while (history.length < limit) {
        await wait(200)
        await store.compact(await store.revision())
      }
    })()
    await observe({ ...load, store, name: `r${round}`, until: n => n >= limit }, history)
    await compacting
    await store[Symbol.asyncDispose]()
  }
  expect(history.length).toBeGreaterThanOrEqual(60_000)
  expect(violations(history)).toEqual([])
})

it('a process with SQLite answers 100,000 operations as one register each would, while it is killed with -9 and paused', async () => {
  const served = new StoreProcess(join(folder, 'killed.db'))
  const history: Observed[] = []
  const limit = 100_000
  const random = seededRandom(12)
  let kills = 0
  try {
    const faults = (async () => {
      for (; history.length < limit; kills++) {
        await wait(random.next() * 600)
        if (random.next() < 0.5) await served.pause(random.next() * 400)
        await wait(random.next() * 600)
        await served.kill()
      }
    })()
    await observe({ ...load, store: served.store, name: 'k', until: n => n >= limit }, history)
    await faults
  } finally {
    await served.stop()
  }
  expect(violations(history)).toEqual([])
  const lost = history.filter(o => o.type === 'lost').length
  console.log(`${history.length} operations, ${kills} kills, ${lost} writes without an answer`)
  expect(kills).toBeGreaterThan(5)
})

it('two servers’ stores on three etcd members answer 100,000 as one register each, while members are killed and paused', async () => {
  const cluster = await EtcdCluster.start(3)
  const stores: Store[] = []
  try {
    for (const turn of [0, 1]) {
      const endpoints = [...cluster.endpoints.slice(turn), ...cluster.endpoints.slice(0, turn)]
      stores.push(await openEtcdStore({ endpoints }))
    }
    const history: Observed[] = []
    const limit = 100_000
    const faults = (async () => {
      for (let i = 0; history.length < limit; i++) {
        await wait(2000)
        const member = i % 3
        if (i % 2) {
          await cluster.kill(member)
          await wait(1000)
          await cluster.restart(member)
        } else {
          cluster.members[member]!.process.kill('SIGSTOP')
          await wait(1500)
          cluster.members[member]!.process.kill('SIGCONT')
        }
      }
      return true
    })()
    await Promise.all(
      stores.map((store, i) => observe({ ...load, store, name: `s${i}`, until: n => n >= limit }, history)),
    )
    await faults
    expect(violations(history)).toEqual([])
    const lost = history.filter(o => o.type === 'lost').length
    console.log(`${history.length} operations, ${lost} writes without an answer`)
  } finally {
    for (const store of stores) await store[Symbol.asyncDispose]()
    await cluster.stop()
  }
})
