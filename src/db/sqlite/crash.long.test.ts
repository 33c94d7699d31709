import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { load } from './testing/loaded.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-kills-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const kills = Number(process.env['KILLS'] ?? 100)
/** What a start has to read again, however long the process was up: see log-size.slow.test.ts. */
const mostLogBytes = 4000 * 4096 * 4
/** Milliseconds on an idle machine; a busy one is given more. */
const goalMs = 2000
const busyFactor = 5

it('a store with 50,000 objects, killed with -9 at a hundred random moments, loses nothing', async () => {
  const path = join(folder, 'state.db')
  const filled = await openSqliteStore({ path })
  const value = new Uint8Array(1600).fill(120)
  for (let i = 0; i < 50_000; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) => filled.commit([{ key: `/objects/${i + j}`, value }], new Map())),
    )
  await filled[Symbol.asyncDispose]()
  const random = seededRandom(3)
  const recoveries: number[] = []
  let acknowledged = 0
  for (let round = 0; round < kills; round++) {
    const writer = await load(path, round)
    await writer.atLeast(1 + Math.floor(random.next() * 1500))
    writer.kill()
    await writer.ended
    expect(statSync(`${path}-wal`).size).toBeLessThan(mostLogBytes)
    const began = performance.now()
    const store = await openSqliteStore({ path })
    const { entries } = await store.list('')
    recoveries.push(performance.now() - began)
    expect(entries.length).toBeGreaterThanOrEqual(50_000)
    const told = writer.acknowledged()
    const found = await Promise.all(told.map(a => store.get(a.key, a.revision)))
    const lost = told.filter(
      (a, i) =>
        Buffer.from(found[i]?.value ?? [])
          .toString()
          .split(' ')[0] !== a.value,
    )
    expect(lost).toEqual([])
    acknowledged += told.length
    await store[Symbol.asyncDispose]()
  }
  recoveries.sort((a, b) => a - b)
  const p99 = recoveries[Math.ceil(recoveries.length * 0.99) - 1]!
  console.log(
    `${acknowledged} acknowledged, ${kills} kills, none lost; back after ${Math.round(recoveries[recoveries.length >> 1]!)} ms, p99 ${Math.round(p99)} ms (goal ${goalMs})`,
  )
  expect(acknowledged).toBeGreaterThan(kills * 100)
  expect(p99).toBeLessThan(goalMs * busyFactor)
})
