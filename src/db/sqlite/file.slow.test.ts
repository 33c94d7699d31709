import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../base/clock.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import { Compacted, StoreCorrupt, type StoreEvent, StoreFailed, StoreGone, StoreLocked } from '../store.ts'
import { loadSqlite, single } from './database.ts'
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-file-'))
let count = 0
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const opened: SqliteStore[] = []
afterEach(async () => {
  for (const store of opened.splice(0)) await store[Symbol.asyncDispose]()
})

function newPath(): string {
  return join(folder, `${count++}`, 'store.db')
}

async function open(path: string, options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  const store = await openSqliteStore({ path, reserveBytes: 0, ...options })
  opened.push(store)
  return store
}

function put(store: SqliteStore, key: string, value: string | Uint8Array = '1') {
  return store.commit([{ key, value: Buffer.from(value) }], new Map())
}

function remove(store: SqliteStore, key: string) {
  return store.commit([{ key, value: undefined }], new Map())
}

async function events(store: SqliteStore, from: bigint, count: number): Promise<StoreEvent[]> {
  const found: StoreEvent[] = []
  for await (const batch of store.watch('', from, new AbortController().signal)) {
    found.push(...batch.events)
    if (found.length >= count) break
  }
  return found
}

/** Text in which nothing repeats, so that nothing is saved by differences. */
function noise(length: number): string {
  return randomBytes(length / 2).toString('hex')
}

describe('the file of the store', () => {
  it('brings back keys, revisions, history and what was compacted', async () => {
    const path = newPath()
    const first = await open(path)
    await put(first, '/a', '1')
    const r2 = await put(first, '/a', '2')
    const r3 = await put(first, '/b', '1')
    const r4 = await put(first, '/a', '3')
    const r5 = await remove(first, '/b')
    await first.compact(r2)
    await first[Symbol.asyncDispose]()

    const again = await open(path)
    expect(await again.revision()).toBe(r5)
    expect(await again.compacted()).toBe(r2)
    expect(await again.list('')).toMatchObject({ revision: r5, entries: [{ key: '/a', revision: r4, created: 1n }] })
    expect((await again.list('', { at: r3 })).entries.map(e => [e.key, Buffer.from(e.value).toString()])).toEqual([
      ['/a', '2'],
      ['/b', '1'],
    ])
    expect((await events(again, r2, 3)).map(e => [e.type, e.key, e.revision])).toEqual([
      ['put', '/b', r3],
      ['put', '/a', r4],
      ['delete', '/b', r5],
    ])
    await expect(again.get('/a', 1n)).rejects.toBeInstanceOf(Compacted)
    expect(await put(again, '/c')).toBeGreaterThan(r5)
  })

  it('never gives a revision twice, even when the newest one is a deletion that was swept', async () => {
    const path = newPath()
    const first = await open(path)
    await put(first, '/a')
    const deleted = await remove(first, '/a')
    await first.compact(deleted)
    await first.swept()
    await first[Symbol.asyncDispose]()
    const again = await open(path)
    expect(await again.revision()).toBe(deleted)
    expect(await put(again, '/a')).toBeGreaterThan(deleted)
    expect((await again.list('')).entries).toHaveLength(1)
  })

  it('stands alone after a clean stop, for the owner only', async () => {
    const path = newPath()
    const store = await open(path)
    await put(store, '/a')
    for (const name of ['', '-wal', '-shm', '.pid']) expect(statSync(path + name).mode & 0o777).toBe(0o600)
    await store[Symbol.asyncDispose]()
    expect(readdirSync(join(path, '..')).sort()).toEqual(['store.db', 'store.db.lock', 'store.db.made'])
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  it('is open in one place at a time, and says where', async () => {
    const path = newPath()
    const store = await open(path)
    const failure = await openSqliteStore({ path }).catch(e => e)
    expect(failure).toBeInstanceOf(StoreLocked)
    expect(failure.message).toBe(`the store ${path} is in use by the process ${process.pid}`)
    await put(store, '/a')
    await store[Symbol.asyncDispose]()
    await put(await open(path), '/b')
  })

  it('that is damaged is named and left as it is', async () => {
    const path = newPath()
    const store = await open(path)
    await Promise.all(Array.from({ length: 500 }, (_, i) => put(store, `/k/${i}`, 'x'.repeat(500))))
    await store[Symbol.asyncDispose]()
    const file = openSync(path, 'r+')
    for (let page = 20; page < 40; page++) writeSync(file, Buffer.alloc(1000, 0xee), 0, 1000, page * 4096)
    closeSync(file)
    const failure = await openSqliteStore({ path, check: 'always' }).catch(e => e)
    expect(failure).toBeInstanceOf(StoreCorrupt)
    expect(failure.message).toContain(path)
    expect(failure.hint).toContain('backup')
  })

  it('that is gone or empty is no new one: that would end all that runs', async () => {
    const path = newPath()
    const first = await open(path)
    await put(first, '/a')
    await first[Symbol.asyncDispose]()
    const bytes = readFileSync(path)
    for (const lose of [() => rmSync(path), () => writeFileSync(path, '')]) {
      lose()
      const failure = await openSqliteStore({ path }).catch(e => e)
      expect(failure).toBeInstanceOf(StoreGone)
      expect(failure.hint).toContain(`delete ${path}.made`)
      writeFileSync(path, bytes)
      const again = await open(path)
      expect(await again.get('/a')).toBeDefined()
      await again[Symbol.asyncDispose]()
    }
    rmSync(path)
    rmSync(`${path}.made`)
    const anew = await open(path)
    expect(await anew.get('/a')).toBeUndefined()
  })

  it('that is something else is refused', async () => {
    const text = join(folder, 'text.db')
    writeFileSync(text, 'not a database, but long enough to be taken for one by a careless reader.'.repeat(20))
    await expect(openSqliteStore({ path: text })).rejects.toBeInstanceOf(StoreCorrupt)
    const other = join(folder, 'other.db')
    const database = (await loadSqlite())(other)
    database.exec('CREATE TABLE mine(x)')
    database.close()
    await expect(openSqliteStore({ path: other })).rejects.toThrow('another program')
  })

  it('of a newer version is refused', async () => {
    const path = newPath()
    await (await open(path))[Symbol.asyncDispose]()
    const database = (await loadSqlite())(path)
    database.exec('PRAGMA user_version=99')
    database.close()
    await expect(openSqliteStore({ path })).rejects.toThrow('schema version 99 is newer')
  })

  it('that cannot be made says so with a hint', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    const failure = await openSqliteStore({ path: join(file, 'store.db') }).catch(e => e)
    expect(failure).toBeInstanceOf(StoreFailed)
    expect(failure.hint).toContain(file)
  })

  it('serves lists and history that take many messages', async () => {
    const store = await open(newPath())
    const n = 9000
    await Promise.all(Array.from({ length: n }, (_, i) => put(store, `/many/${String(i).padStart(5, '0')}`, `${i}`)))
    await put(store, '/other')
    const all = await store.list('/many/')
    expect(all.entries.map(e => Number(Buffer.from(e.value).toString()))).toEqual(
      Array.from({ length: n }, (_, i) => i),
    )
    const page = await store.list('/many/', { limit: 5000, after: '/many/00999' })
    expect(page.entries).toHaveLength(5000)
    expect(page.entries.at(-1)!.key).toBe('/many/05999')
    expect(page.remaining).toBe(3000)
    expect((await events(store, 0n, n)).map(e => e.revision)).toEqual(
      Array.from({ length: n }, (_, i) => BigInt(i + 1)),
    )

    const big = Buffer.alloc(3_000_000, 1)
    for (let i = 0; i < 4; i++) await put(store, `/big/${i}`, big)
    expect((await store.list('/big/')).entries.map(e => e.value.length)).toEqual([3e6, 3e6, 3e6, 3e6])
    expect(await store.list('/big/', { limit: 3 })).toMatchObject({ remaining: 1 })
    expect((await events(store, BigInt(n + 1), 4)).map(e => e.value?.length)).toEqual([3e6, 3e6, 3e6, 3e6])
  })

  it('never tears a commit in two where history comes in parts', async () => {
    const store = await open(newPath())
    const n = 1300
    await Promise.all(
      Array.from({ length: n }, (_, i) =>
        store.commit(
          Array.from({ length: 7 }, (_, j) => ({ key: `/k/${i}/${j}`, value: Buffer.from('1') })),
          new Map(),
        ),
      ),
    )
    const sizes: number[] = []
    for await (const batch of store.watch('', 0n, new AbortController().signal)) {
      sizes.push(batch.events.length)
      if (batch.revision === BigInt(n)) break
    }
    expect(sizes).toEqual(new Array(n).fill(7))
  })

  it('gives the room of forgotten history back', async () => {
    const path = newPath()
    const store = await open(path)
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({ length: 1000 }, (_, j) => put(store, `/k/${j % 20}`, noise(4000))))
    const before = await store.usage()
    await store.compact(await store.revision())
    await store.swept()
    const after = await store.usage()
    expect(before.usedBytes).toBeGreaterThan(40_000_000)
    expect(after.usedBytes).toBeLessThan(500_000)
    expect(after.freeBytes).toBeLessThanOrEqual(16 << 20)
    expect((await store.list('/k/')).entries).toHaveLength(20)
    await store[Symbol.asyncDispose]()
    expect(statSync(path).size).toBeLessThan(18 << 20)
    const database = (await loadSqlite())(path)
    // The newest row is not swept yet, so neither is the one that it replaced.
    expect(single(database, 'SELECT count(*) FROM log')).toBe(21)
    expect(single(database, 'PRAGMA integrity_check')).toBe('ok')
    database.close()
  })
})

describe('heartbeats', () => {
  it('take little room, and go with what they differ from', async () => {
    const path = newPath()
    const store = await open(path)
    const bodies = Array.from({ length: 20 }, () => noise(1500))
    const beat = (i: number, j: number) => put(store, `/leases/${j}`, `${bodies[j]}"renewTime":${i}`)
    for (let i = 0; i < 250; i++) await Promise.all(bodies.map((_, j) => beat(i, j)))
    const { usedBytes } = await store.usage()
    expect(usedBytes / 5000).toBeLessThan(200)
    const before = (await store.list('/leases/')).entries
    await store.compact(await store.revision())
    await store.swept()
    expect((await store.list('/leases/')).entries).toEqual(before)
    expect(before.map(e => Buffer.from(e.value).toString().slice(-5))).toEqual(new Array(20).fill('":249'))
    await Promise.all(bodies.map((_, j) => put(store, `/leases/${j}`, noise(1500))))
    await put(store, '/last', '1')
    await store.compact(await store.revision())
    await store.swept()
    await store[Symbol.asyncDispose]()
    const database = (await loadSqlite())(path)
    expect(single(database, 'SELECT count(*) FROM log')).toBe(21)
    database.close()
  })
})

describe('history', () => {
  it('ends at its age', async () => {
    const clock = new VirtualClock()
    const store = await open(newPath(), { clock, history: { ageMs: 3600_000 } })
    const old = await put(store, '/a', 'old')
    await clock.advance(1800_000)
    const half = await put(store, '/a', 'half an hour later')
    await clock.advance(1900_000)
    const newest = await put(store, '/a', 'an hour later')
    // What was true an hour ago can still be read.
    await untilCompacted(store, clock, old)
    await expect(store.get('/a', old)).resolves.toMatchObject({ revision: old })
    await clock.advance(1900_000)
    await untilCompacted(store, clock, half)
    await expect(store.get('/a', old)).rejects.toBeInstanceOf(Compacted)
    expect((await store.get('/a', half))?.revision).toBe(half)
    expect((await store.get('/a'))?.revision).toBe(newest)
  })

  it('ends where the file is large enough', async () => {
    const clock = new VirtualClock()
    const store = await open(newPath(), { clock, history: { bytes: 2_000_000 } })
    await Promise.all(Array.from({ length: 2000 }, (_, i) => put(store, `/k/${i % 10}`, noise(2000))))
    for (let i = 0; i < 500 && (await store.usage()).usedBytes > 2_000_000; i++) await clock.advance(10_000)
    const { usedBytes, oldest } = await store.usage()
    expect(usedBytes).toBeLessThanOrEqual(2_000_000)
    expect(usedBytes).toBeGreaterThan(1_000_000)
    expect(oldest).toBeLessThan(1800)
  })

  it('is found by time, to the second', async () => {
    const clock = new VirtualClock()
    const store = await open(newPath(), { clock })
    const start = clock.now()
    const revisions = []
    for (let i = 0; i < 5; i++) {
      revisions.push(await put(store, '/a', `${i}`))
      await clock.advance(10_000)
    }
    const found = []
    for (const at of [-1, 5_000, 15_000, 25_000, 35_000, 100_000]) found.push(await store.revisionAt(start + at))
    expect(found).toEqual([0n, ...revisions])
  })

  it('goes on when the clock jumps an hour ahead and back, and times never go back', async () => {
    let jumpMs = 0
    const inner = new VirtualClock()
    const clock: Clock = {
      now: () => inner.now() + jumpMs,
      monotonicMs: () => inner.monotonicMs(),
      schedule: (delayMs, task) => inner.schedule(delayMs, task),
    }
    const path = newPath()
    const store = await open(path, { clock, history: { ageMs: 7200_000 } })
    const start = clock.now()
    const revisions: bigint[] = []
    for (const jump of [0, 3600_000, 0, 0]) {
      jumpMs = jump
      revisions.push(await put(store, '/a', `${jump}`))
      await inner.advance(60_000)
    }
    const times = (await store.changes('/a')).map(c => c.timeMs! - start)
    expect(times).toEqual([3660_000, 3660_000, 3660_000, 0])
    expect(await store.revisionAt(start + 1000)).toBe(revisions[0])
    expect(await store.revisionAt(start + 3660_000)).toBe(revisions[3])
    expect(await store.compacted()).toBe(0n)
    await inner.advance(7200_000)
    expect(await put(store, '/a', 'later')).toBe(revisions[3]! + 1n)
  })

  it('stays as long as a slow watcher reads it', async () => {
    const clock = new VirtualClock()
    const store = await open(newPath(), { clock, bufferedEvents: 8, history: { ageMs: 60_000 } })
    const watch = store.watch('', 0n, new AbortController().signal)[Symbol.asyncIterator]()
    await put(store, '/k/0')
    const seen = [...(await watch.next()).value!.events]
    await Promise.all(Array.from({ length: 100 }, (_, i) => put(store, `/k/${i + 1}`)))
    await clock.advance(600_000)
    await settle()
    await put(store, '/last')
    await clock.advance(120_000)
    while (seen.length < 102) seen.push(...(await watch.next()).value!.events)
    expect(seen.map(e => e.key)).toEqual([...Array.from({ length: 101 }, (_, i) => `/k/${i}`), '/last'])
    await watch.return?.()
  })
})

describe('a thread that crashes', () => {
  it('makes the store fail for everyone who waits, and is named', async () => {
    const code = `
      import { workerData } from 'node:worker_threads'
      const { port } = workerData
      port.on('message', m => { if (workerData.role === 'writer') throw new Error('planted'); if (m.request.type === 'close') process.exit() })
      port.postMessage({ opened: true, revision: 0, oldest: 0, unclean: false, checkedMs: 0 })`
    const worker = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
    const store = await openSqliteStore({ path: newPath(), worker })
    const watch = store.watch('', 0n, new AbortController().signal)[Symbol.asyncIterator]().next()
    const failure = await put(store, '/a').catch(e => e)
    expect(failure).toBeInstanceOf(StoreFailed)
    expect(failure.cause.message).toBe('planted')
    await expect(watch).rejects.toBeInstanceOf(StoreFailed)
    await expect(store.get('/a')).rejects.toBeInstanceOf(StoreFailed)
    await store[Symbol.asyncDispose]()
  })
})

/** Each look at the age is a few questions to the writer, who answers in turn: so are ours. */
async function untilCompacted(store: SqliteStore, clock: VirtualClock, revision: bigint): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await clock.advance(60_000)
    for (let j = 0; j < 20; j++) if ((await store.compacted()) >= revision) return
  }
}
