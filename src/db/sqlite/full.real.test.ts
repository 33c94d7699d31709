import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { StoreFailed, StoreFull } from '../store.ts'
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts'

/** Needs root: mounts a small ext4 of its own. */
describe.skipIf(process.getuid?.() !== 0)('a store on a disk that is full or fails', () => {
  let folder: string
  let disk: string
  const opened: SqliteStore[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'optiflow-full-'))
    disk = join(folder, 'disk')
    mkdirSync(disk)
    execFileSync('truncate', ['-s', '160M', join(folder, 'image')])
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', join(folder, 'image')])
    execFileSync('mount', ['-o', 'loop', join(folder, 'image'), disk])
  })
  afterEach(async () => {
    for (const store of opened.splice(0)) await store[Symbol.asyncDispose]()
    execFileSync('umount', [disk])
    rmSync(folder, { recursive: true })
  })

  async function open(clock?: VirtualClock): Promise<SqliteStore> {
    const path = join(disk, 'store.db')
    const store = await openSqliteStore({ path, ...(clock ? { clock } : {}), check: 'always' })
    opened.push(store)
    if (clock) for (let i = 0; i < 100 && !existsSync(`${path}.reserve`); i++) await clock.advance(60_000)
    return store
  }

  /** Bytes that nothing can make smaller. */
  const put = (store: SqliteStore, key: string, bytes: number) =>
    store.commit([{ key, value: randomBytes(bytes) }], new Map())

  /** Writes until it is refused; returns what was acknowledged. */
  async function fill(store: SqliteStore): Promise<Map<string, bigint>> {
    const written = new Map<string, bigint>()
    for (let i = 0; i < 5000; i++) {
      const failed = await Promise.all(
        Array.from({ length: 8 }, (_, j) =>
          put(store, `/k/${i % 40}/${j}`, 20_000).then(
            r => void written.set(`/k/${i % 40}/${j}`, r),
            e => e,
          ),
        ),
      )
      const failure = failed.find(e => e)
      if (failure) {
        expect(failure).toBeInstanceOf(StoreFull)
        expect(failure.hint).toContain('Free space')
        return written
      }
    }
    throw new Error('the disk never filled')
  }

  async function untilWritable(store: SqliteStore, clock: VirtualClock): Promise<void> {
    // The disk takes its real time, so ask often.
    for (let i = 0; i < 20_000; i++) {
      await clock.advance(1000)
      await store.usage()
      const failure = await put(store, '/again', 1000).catch(e => e)
      if (!(failure instanceof Error)) return
      expect(failure).toBeInstanceOf(StoreFull)
    }
    throw new Error('the store never recovered')
  }

  it('refuses writes, still reads and deletes, and recovers when something else makes room', async () => {
    const clock = new VirtualClock()
    writeFileSync(join(disk, 'other'), new Uint8Array(60 << 20))
    const store = await open(clock)
    expect(store.obstacle()).toBeUndefined()
    const written = await fill(store)
    expect(store.obstacle()).toMatch(/no room on the disk for .*only deletions/)
    for (const [key, revision] of written) expect((await store.get(key))?.revision).toBe(revision)
    const start = await store.revision()
    const stop = new AbortController()
    const watch = store.watch('/k/0/', start, stop.signal)[Symbol.asyncIterator]()
    const next = watch.next()
    for (let j = 0; j < 8; j++) await store.commit([{ key: `/k/0/${j}`, value: undefined }], new Map())
    expect((await next).value?.events[0]).toMatchObject({ type: 'delete', key: '/k/0/0' })
    stop.abort()
    rmSync(join(disk, 'other'))
    await untilWritable(store, clock)
    expect(store.obstacle()).toBeUndefined()
    await store[Symbol.asyncDispose]()
    const again = await open()
    expect((await again.list('/k/')).entries.map(e => [e.key, e.revision])).toEqual(
      [...written].filter(([key]) => !key.startsWith('/k/0/')).sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  })

  it('makes room by itself from history', async () => {
    const clock = new VirtualClock()
    const store = await open(clock)
    await fill(store)
    await untilWritable(store, clock)
    expect(await store.compacted()).toBeGreaterThan(0n)
  })

  it('opens all the same, for reading and deleting', async () => {
    const clock = new VirtualClock()
    const first = await open(clock)
    await put(first, '/a', 1000)
    await first[Symbol.asyncDispose]()
    // To the last block.
    for (const size of ['64k', '1k'])
      execFileSync('sh', ['-c', `dd if=/dev/zero of=${join(disk, size)} bs=${size} 2>/dev/null || true`])
    const store = await open()
    expect((await store.get('/a'))?.value).toHaveLength(1000)
    await store.commit([{ key: '/a', value: undefined }], new Map())
    await expect(put(store, '/b', 100)).rejects.toBeInstanceOf(StoreFull)
  })

  it('refuses writes when the disk turns read-only, says so, still reads, and has everything once it is mounted anew', async () => {
    const image = join(folder, 'image')
    execFileSync('umount', [disk])
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, disk])
    const store = await open()
    const written = new Map<string, bigint>()
    for (let i = 0; i < 50; i++) written.set(`/k/${i}`, await put(store, `/k/${i}`, 500))
    // What the kernel does when it finds an error in the file system.
    const device = execFileSync('findmnt', ['-no', 'SOURCE', disk]).toString().trim().split('/').at(-1)!
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'a test')
    const failure = await put(store, '/late', 500).catch(e => e)
    expect(failure).toBeInstanceOf(StoreFailed)
    expect(failure.hint).toBeTruthy()
    for (const [key, revision] of written) expect((await store.get(key))?.revision).toBe(revision)
    await opened
      .pop()!
      [Symbol.asyncDispose]()
      .catch(() => {})
    const refused = await openSqliteStore({ path: join(disk, 'store.db') }).catch(e => e)
    expect(refused).toBeInstanceOf(StoreFailed)
    expect(refused.message).toContain(disk)
    execFileSync('umount', [disk])
    // Its code 1: errors were corrected.
    spawnSync('e2fsck', ['-fy', image], { stdio: 'ignore' })
    execFileSync('mount', ['-o', 'loop', image, disk])
    const again = await open()
    expect((await again.list('/k/')).entries.map(e => [e.key, e.revision])).toEqual(
      [...written].sort(([a], [b]) => (a < b ? -1 : 1)),
    )
    await put(again, '/late', 500)
  })
})
