import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openSqliteStore, type SqliteStore } from '../sqlite-store.ts'

/** Of how many milliseconds each took. */
export interface Stalls {
  /** As many bytes as a group of commits has, appended to a file and synced: what the disk and the machine do by themselves. */
  bare: number[]
  /** Commits without upkeep of the file. */
  without: number[]
  /** The same commits while history is compacted, swept, vacuumed and the write-ahead log moved. */
  beside: number[]
}

const inFlight = 16
const keysOfEach = 1000
/** Beside them, so that rows of many pages are swept and vacuumed too; how long those take themselves is not counted. */
const largeBytes = 600_000
const largeEveryMs = 100
const keptRevisions = 2000n
const noise = randomBytes(1 << 20)

/** How long commits wait beside upkeep, turn about with the same load without it and with bare syncs. */
export async function measureStalls(folder: string, turns: number, seconds: number): Promise<Stalls> {
  const store = await openSqliteStore({ path: join(folder, 'state.db') })
  const stalls: Stalls = { bare: [], without: [], beside: [] }
  for (let turn = 0; turn < turns; turn++) {
    stalls.bare.push(...(await bareSyncs(join(folder, `bare-${turn}`), seconds)))
    stalls.without.push(...(await load(store, seconds, () => wait(50))))
    stalls.beside.push(...(await load(store, seconds, () => keepUp(store))))
  }
  await store[Symbol.asyncDispose]()
  return stalls
}

async function keepUp(store: SqliteStore): Promise<void> {
  const revision = await store.revision()
  await store.compact(revision > keptRevisions ? revision - keptRevisions : 0n)
  await store.swept()
}

async function load(store: SqliteStore, seconds: number, beside: () => Promise<unknown>): Promise<number[]> {
  const latencies: number[] = []
  const end = performance.now() + seconds * 1000
  const until = async (work: (n: number) => Promise<unknown>) => {
    for (let n = 0; performance.now() < end; n++) await work(n)
  }
  const commit = async (writer: number, n: number) => {
    const began = performance.now()
    const key = `/stalls/${writer}/${(n >> 2) % keysOfEach}`
    await store.commit([{ key, value: smallValue(writer, n) }], new Map())
    latencies.push(performance.now() - began)
  }
  const commitLarge = async (n: number) => {
    const value = Uint8Array.prototype.slice.call(noise, n % 4096, (n % 4096) + largeBytes)
    await store.commit([{ key: `/stalls/large/${n % 3}`, value }], new Map())
    await wait(largeEveryMs)
  }
  const writers = Array.from({ length: inFlight }, (_, writer) => until(n => commit(writer, n)))
  await Promise.all([...writers, until(commitLarge), until(beside)])
  return latencies
}

async function bareSyncs(path: string, seconds: number): Promise<number[]> {
  const latencies: number[] = []
  const file = await open(path, 'w')
  const end = performance.now() + seconds * 1000
  for (let n = 0; performance.now() < end; n++) {
    const began = performance.now()
    for (let writer = 0; writer < inFlight; writer++) await file.write(smallValue(writer, n))
    await file.datasync()
    latencies.push(performance.now() - began)
  }
  await file.close()
  return latencies
}

/** Every fourth is all new, the others differ from it by a number, and are kept as differences. */
function smallValue(writer: number, n: number): Uint8Array {
  const start = ((writer * 7919 + (n >> 2) * 613) % (noise.length - 1600)) | 0
  const value = Uint8Array.prototype.slice.call(noise, start, start + 1600)
  value.set(Buffer.from(`${n}`), 800)
  return value
}
