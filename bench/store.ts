/*
 * Durable commits of 1.6 KB values by a named author with a check of the seen revision, at 1, 64 and 512 in flight, beside raw
 * SQLite writing the same rows of the same tables in transactions of the same size: look up the head, append to the log, replace
 * the head; and beside raw SQLite with a log of the key and the value only. They take turns in short slices, since a shared machine is never equally fast for long; the share is the median over the slices.
 * Then a list of 10,000, and opening with 50,000 keys.   npx tsx bench/store.ts [slices] [seconds per slice]
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Revision, Store } from '../src/db/index.ts'
import { openSqliteStore } from '../src/db/index.ts'
import { type Database, loadSqlite, type OpenDatabase } from '../src/db/sqlite/database.ts'
import { configure } from '../src/db/sqlite/open-file.ts'
import { migrate } from '../src/db/sqlite/schema.ts'

const slices = Number(process.argv[2] ?? 7)
const seconds = Number(process.argv[3] ?? 0.7)
const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'optiflow-bench-'))
const keyCount = 5000
const keys = Array.from({ length: keyCount }, (_, i) => `/registry/pods/namespace-${i % 50}/web-${i}-7c9d8f6b5-x${i}`)
/** Values that have nothing in common, so that keeping only differences saves nothing. */
const noise = randomBytes(1 << 20)
let cut = 0
function nextValue(): Uint8Array {
  cut = (cut + 613) % (noise.length - 1600)
  return new Uint8Array(noise.subarray(cut, cut + 1600))
}

const author = { user: 'system:serviceaccount:kube-system:deployment-controller', request: randomUUID() }
const request = randomBytes(16)

/** Commits per second of a bare database, slice by slice. */
class Raw {
  readonly #database: Database
  readonly #batch: number
  readonly #withHeads: boolean
  #n = 0

  constructor(open: OpenDatabase, batch: number, withHeads: boolean) {
    this.#batch = batch
    this.#withHeads = withHeads
    this.#database = open(join(folder, `raw-${withHeads}-${batch}.db`))
    configure(this.#database, { checkpointPages: 4000 })
    migrate(this.#database)
    this.#database.exec('CREATE TABLE bare(position INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB)')
  }

  slice(): number {
    const prepare = (sql: string) => this.#database.prepare(sql)
    const bare = prepare('INSERT INTO bare VALUES (?, ?, ?)')
    const log = prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    const find = prepare('SELECT position, created, changes, jump FROM heads WHERE key = ?')
    const add = prepare('INSERT INTO heads VALUES (?, ?, ?, 1, ?, 0)')
    const replace = prepare('UPDATE heads SET position = ?, created = ?, changes = ?, jump = ? WHERE key = ?')
    const write = (key: string, position: number) => {
      const head = find.get(key) as { position: number; created: number; changes: number } | undefined
      const created = head?.created ?? position
      log.run(position, Date.now(), key, created, head?.position ?? 0, 0, 0, nextValue(), 1, request)
      if (head) replace.run(position, created, head.changes + 1, 0, key)
      else add.run(key, position, created, position)
    }
    const before = this.#n
    const start = performance.now()
    while (performance.now() - start < seconds * 1000) {
      this.#database.exec('BEGIN IMMEDIATE')
      for (let i = 0; i < this.#batch; i++) {
        const key = keys[this.#n++ % keyCount]!
        if (this.#withHeads) write(key, this.#n * 1024)
        else bare.run(this.#n, key, nextValue())
      }
      this.#database.exec('COMMIT')
    }
    return ((this.#n - before) / (performance.now() - start)) * 1000
  }

  close(): void {
    this.#database.close()
  }
}

/** Commits per second of the store, slice by slice. */
class Commits {
  readonly latencies: number[] = []
  mainMs = 0
  readonly #store: Store
  readonly #inFlight: number
  readonly #seen = new Map<string, Revision>()
  #next = 0

  constructor(store: Store, inFlight: number) {
    this.#store = store
    this.#inFlight = inFlight
  }

  async slice(): Promise<number> {
    const before = this.latencies.length
    const loop = performance.eventLoopUtilization()
    const start = performance.now()
    const end = start + seconds * 1000
    await Promise.all(Array.from({ length: this.#inFlight }, () => this.#until(end)))
    this.mainMs += performance.eventLoopUtilization(loop).active
    return ((this.latencies.length - before) / (performance.now() - start)) * 1000
  }

  async #until(end: number): Promise<void> {
    for (let now = performance.now(); now < end; ) {
      const key = keys[this.#next++ % keyCount]!
      const seen = new Map([[key, this.#seen.get(key) ?? 0n]])
      this.#seen.set(key, await this.#store.commit([{ key, value: nextValue() }], seen, author))
      const after = performance.now()
      this.latencies.push(after - now)
      now = after
    }
  }
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

const round = (n: number, digits = 0) => Number(n.toFixed(digits)).toLocaleString('en')

const open = await loadSqlite()
for (const inFlight of [1, 64, 512]) {
  const logOnly = new Raw(open, inFlight, false)
  const both = new Raw(open, inFlight, true)
  const path = join(folder, `store-${inFlight}.db`)
  const store = await openSqliteStore({ path })
  const commits = new Commits(store, inFlight)
  const rates: { ours: number; both: number; logOnly: number }[] = []
  for (let i = 0; i < slices; i++)
    rates.push({ logOnly: logOnly.slice(), both: both.slice(), ours: await commits.slice() })
  await store[Symbol.asyncDispose]()
  logOnly.close()
  both.close()
  const { latencies } = commits
  latencies.sort((a, b) => a - b)
  const at = (share: number) =>
    round(latencies[Math.min(Math.floor(latencies.length * share), latencies.length - 1)]!, 2)
  console.log(
    `${String(inFlight).padStart(3)} in flight: ${round(median(rates.map(r => r.ours)))}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms; ` +
      `raw with the same rows ${round(median(rates.map(r => r.both)))}/s (we reach ${round(median(rates.map(r => (r.ours / r.both) * 100)))} %), ` +
      `raw with a log of keys and values ${round(median(rates.map(r => r.logOnly)))}/s (${round(median(rates.map(r => (r.ours / r.logOnly) * 100)))} %); ` +
      `main thread ${round((commits.mainMs * 1000) / latencies.length, 1)} µs and ${round(statSync(path).size / latencies.length)} bytes of file per commit`,
  )
}

{
  const path = join(folder, 'lists.db')
  const store = await openSqliteStore({ path })
  for (let i = 0; i < 50_000; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) =>
        store.commit([{ key: `/registry/pods/n${(i + j) % 5}/pod-${i + j}`, value: nextValue() }], new Map()),
      ),
    )
  const lists: number[] = []
  for (let i = 0; i < 10; i++) {
    const start = performance.now()
    const { entries } = await store.list('/registry/pods/n1/')
    lists.push(performance.now() - start)
    if (entries.length !== 10_000) throw new Error(`listed ${entries.length}`)
  }
  console.log(`list of 10,000: median ${round(median(lists), 1)} ms, worst ${round(Math.max(...lists), 1)} ms`)
  await store[Symbol.asyncDispose]()
  const opens: number[] = []
  const reads: number[] = []
  for (let i = 0; i < 5; i++) {
    const start = performance.now()
    const again = await openSqliteStore({ path })
    opens.push(performance.now() - start)
    await again.list('')
    reads.push(performance.now() - start)
    await again[Symbol.asyncDispose]()
  }
  console.log(
    `opening with 50,000 keys: median ${round(median(opens))} ms; until all 50,000 (80 MB) are listed: ${round(median(reads))} ms`,
  )
}
{
  const count = 150_000
  const path = join(folder, 'cold.db')
  const store = await openSqliteStore({ path })
  for (let i = 0; i < count; i += 1000)
    await Promise.all(
      Array.from({ length: 1000 }, (_, j) =>
        store.commit([{ key: `/registry/pods/n${(i + j) % 50}/pod-${i + j}`, value: nextValue() }], new Map()),
      ),
    )
  const then = await store.revision()
  for (let i = 0; i < 10_000; i += 1000)
    await Promise.all(
      Array.from({ length: 1000 }, (_, j) =>
        store.commit([{ key: `/registry/pods/n${(i + j) % 50}/pod-${i + j}`, value: nextValue() }], new Map()),
      ),
    )
  const timed = async (work: () => Promise<unknown>) => {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
  const now = []
  const past = []
  for (let i = 0; i < 10; i++) {
    now.push(await timed(() => store.list('/registry/pods/n1/')))
    past.push(await timed(() => store.list('/registry/pods/n1/', { at: then })))
  }
  console.log(
    `list of 3,000 of 150,000: median ${round(median(now), 1)} ms; as of 10,000 changes ago ${round(median(past), 1)} ms`,
  )
  await store[Symbol.asyncDispose]()
  const starts: number[] = []
  for (let i = 0; i < 3; i++)
    starts.push(
      await timed(async () => {
        const again = await openSqliteStore({ path })
        await again.list('')
        await again[Symbol.asyncDispose]()
      }),
    )
  const raw = open(path)
  const rawMs = await timed(async () =>
    raw.prepare('SELECT h.key, l.value FROM heads h JOIN log l ON l.position = h.position').all(),
  )
  raw.close()
  console.log(
    `cold start with 150,000 objects (240 MB), until all are read: median ${round(median(starts))} ms; raw SQLite reads them in ${round(rawMs)} ms`,
  )
}
rmSync(folder, { recursive: true })
