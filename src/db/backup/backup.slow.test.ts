import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { openMemoryStore } from '../memory.ts'
import { importSqlite } from '../sqlite/import.ts'
import { openSqliteStore } from '../sqlite/sqlite-store.ts'
import { Compacted, type Store, StoreFailed, StoreLocked } from '../store.ts'
import { readBackup, writeBackup } from './backup.ts'
import { BadBackup } from './bytes.ts'
import { openStream, type Secret, sealStream } from './sealed-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-backup-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function filled(entries: number): Promise<Store> {
  const store = await openMemoryStore()
  for (let i = 0; i < entries; i++)
    await store.commit([{ key: `/k/${i % 700}`, value: new Uint8Array(Buffer.from(`value ${i}`)) }], new Map())
  await store.commit([{ key: '/k/1', value: undefined }], new Map())
  return store
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const out: Uint8Array[] = []
  for await (const chunk of chunks) out.push(chunk)
  return Buffer.concat(out)
}

async function* pieces(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const backupOf = (store: Store) => collect(writeBackup(store, { clock: systemClock }))

describe('a backup', () => {
  it('holds everything with its revisions, as it was at one of them', async () => {
    const store = await filled(1500)
    const listing = await store.list('')
    const writing = writeBackup(store, { clock: systemClock })
    const first = (await writing.next()).value!
    await store.commit([{ key: '/k/2', value: new Uint8Array([1]) }], new Map())
    const rest = await collect(writing)
    const backup = await readBackup(pieces(Buffer.concat([first, rest])))
    expect(backup.entries).toEqual(listing.entries)
    expect(backup.revision).toBe(`${listing.revision}`)
  })

  it('that was changed, cut or lengthened anywhere is refused', async () => {
    const good = await backupOf(await filled(30))
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bad = Buffer.from(good)
        bad[at]! ^= mask
        await expect(readBackup(pieces(bad))).rejects.toBeInstanceOf(BadBackup)
        await expect(readBackup(pieces(good.subarray(0, at)))).rejects.toBeInstanceOf(BadBackup)
      }),
      { numRuns: 100 },
    )
    await expect(readBackup(pieces(Buffer.concat([good, Buffer.from('x')])))).rejects.toBeInstanceOf(BadBackup)
  })

  it('of another format says which', async () => {
    await expect(readBackup(pieces(Buffer.from('optiflow-backup 7\n{}\n')))).rejects.toThrow('format 7')
    await expect(readBackup(pieces(Buffer.from('hello\n')))).rejects.toThrow('no backup')
  })

  it('that is encrypted opens with its secret only, and not when pieces are missing', async () => {
    const good = await backupOf(await filled(3000))
    const secrets: Secret[] = [{ passphrase: 'correct horse' }, { keyFile: Buffer.from('some key file') }]
    for (const secret of secrets) {
      const sealed = await collect(sealStream(pieces(good, 40_000), secret))
      expect(sealed.includes('value')).toBe(false)
      expect(await collect(openStream(pieces(sealed), secret))).toEqual(good)
      const wrong = openStream(pieces(sealed), { passphrase: 'wrong' })
      await expect(collect(wrong)).rejects.toBeInstanceOf(BadBackup)
      await expect(collect(openStream(pieces(sealed), undefined))).rejects.toThrow('encrypted')
      for (const at of [200, sealed.length - 1]) {
        const bad = Buffer.from(sealed)
        bad[at]! ^= 1
        await expect(collect(openStream(pieces(bad), secret))).rejects.toBeInstanceOf(BadBackup)
        await expect(collect(openStream(pieces(sealed.subarray(0, at)), secret))).rejects.toBeInstanceOf(BadBackup)
      }
    }
    expect(await collect(openStream(pieces(good), secrets[0]))).toEqual(good)
  })
})

describe('a restored store', () => {
  it('goes on above every revision that was given, and tells old watchers to list again', async () => {
    const { entries } = await readBackup(pieces(await backupOf(await filled(1000))))
    const path = join(folder, 'restored/state.db')
    await importSqlite({ path, entries, revision: 50_000n, nowMs: Date.UTC(2026, 0, 1) })
    const store = await openSqliteStore({ path, check: 'always' })
    expect(await store.revision()).toBe(50_000n)
    expect((await store.list('')).entries).toEqual(entries)
    const old = store.watch('', 1001n, new AbortController().signal)[Symbol.asyncIterator]()
    await expect(old.next()).rejects.toBeInstanceOf(Compacted)
    const { key, revision, created } = entries[3]!
    const next = await store.commit([{ key, value: new Uint8Array([1]) }], new Map([[key, revision]]))
    expect(next).toBe(50_001n)
    expect(await store.get(key)).toMatchObject({ revision: next, created })
    expect((await store.get(key, 50_000n))?.revision).toBe(revision)
    expect(await store.revisionAt(Date.UTC(2026, 0, 2))).toBe(50_000n)
    await expect(importSqlite({ path, entries, revision: 60_000n, nowMs: 0 })).rejects.toBeInstanceOf(StoreLocked)
    await store[Symbol.asyncDispose]()
    await expect(importSqlite({ path, entries, revision: 60_000n, nowMs: 0 })).rejects.toBeInstanceOf(StoreFailed)
    await importSqlite({ path, entries: [], revision: 60_000n, nowMs: 0, keepOldAs: `${path}.old` })
    const kept = await openSqliteStore({ path: `${path}.old` })
    expect((await kept.list('')).entries).toHaveLength(entries.length)
    await kept[Symbol.asyncDispose]()
  })
})
