/*
 * How long a commit waits while history is compacted, swept and vacuumed, beside the same load without; turn about, 16 in
 * flight, values that differ little (kept as differences) and much; and what the disk and the machine do by themselves: as many bytes
 * as such a group has, appended to a file and synced, again and again.   npx tsx bench/stalls.ts [turns] [seconds per turn]
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openSqliteStore } from '../src/db/index.ts'
import type { SqliteStore } from '../src/db/sqlite/sqlite-store.ts'

const turns = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 2)
const inFlight = 16
const keysOfEach = 1000
const bounds = [1, 5, 10, 20, 50, 100, Number.POSITIVE_INFINITY]
const noise = randomBytes(1 << 20)

/** Every fourth is all new, the others differ from it by a number. */
function nextValue(writer: number, n: number): Uint8Array {
  const start = ((writer * 7919 + (n >> 2) * 613) % (noise.length - 1600)) | 0
  const value = Uint8Array.prototype.slice.call(noise, start, start + 1600)
  value.set(Buffer.from(`${n}`), 800)
  return value
}

async function load(store: SqliteStore, beside: () => Promise<unknown>): Promise<number[]> {
  const latencies: number[] = []
  const end = performance.now() + seconds * 1000
  const working = (async () => {
    while (performance.now() < end) await beside()
  })()
  const one = async (writer: number) => {
    for (let n = 0; performance.now() < end; n++) {
      const began = performance.now()
      const key = `/stalls/${writer}/${(n >> 2) % keysOfEach}`
      await store.commit([{ key, value: nextValue(writer, n) }], new Map())
      latencies.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, writer) => one(writer)))
  await working
  return latencies
}

/** How long the same bytes take without any store. */
async function bareSyncs(path: string): Promise<number[]> {
  const latencies: number[] = []
  const file = await open(path, 'w')
  const end = performance.now() + seconds * 1000
  for (let n = 0; performance.now() < end; n++) {
    const began = performance.now()
    for (let writer = 0; writer < inFlight; writer++) await file.write(nextValue(writer, n))
    await file.datasync()
    latencies.push(performance.now() - began)
  }
  await file.close()
  return latencies
}

function line(name: string, latencies: number[]): string {
  latencies.sort((a, b) => a - b)
  const at = (share: number) =>
    latencies[Math.min(Math.floor(share * latencies.length), latencies.length - 1)]!.toFixed(1)
  const counts = bounds.map((bound, i) => latencies.filter(l => l <= bound && l > (bounds[i - 1] ?? 0)).length)
  const histogram = bounds.map((bound, i) => `≤ ${bound} ms: ${counts[i]}`).join(', ')
  const parts = [0.5, 0.99, 0.999, 0.9999].map(share => `p${share * 100} ${at(share)} ms`).join(', ')
  return `${name} ${latencies.length}, ${parts}, worst ${at(1)} ms; ${histogram}`
}

const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'optiflow-bench-'))
const store = await openSqliteStore({ path: join(folder, 'state.db') })
const without: number[] = []
const beside: number[] = []
const bare: number[] = []
for (let i = 0; i < turns; i++) {
  bare.push(...(await bareSyncs(join(folder, `bare-${i}`))))
  without.push(...(await load(store, () => wait(50))))
  beside.push(
    ...(await load(store, async () => {
      const revision = await store.revision()
      await store.compact(revision > 2000n ? revision - 2000n : 0n)
      await store.swept()
    })),
  )
}
console.log(line('bare syncs:                 ', bare))
console.log(line('commits, without compaction:', without))
console.log(line('commits, while compacting:  ', beside))
await store[Symbol.asyncDispose]()
rmSync(folder, { recursive: true })
