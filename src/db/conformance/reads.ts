import { describe, expect, it } from 'vitest'
import { compareKeys } from '../key.ts'
import { FutureRevision } from '../store.ts'
import { bytes, plain, textOf } from './events.ts'
import type { Subject } from './subject.ts'

/** What can be read now and at any revision of the history. */
export function readsWell(on: Subject): void {
  const { put, remove } = on
  describe('revisions', () => {
    it('grow by at least one with each commit', async () => {
      const start = await on.store.revision()
      const first = await put('/a', '1')
      const second = await put('/b', '1')
      expect(first).toBeGreaterThan(start)
      expect(second).toBeGreaterThan(first)
      expect(await on.store.revision()).toBe(second)
    })

    it('are kept with each key: of its creation and of its last change', async () => {
      const created = await put('/a', '1')
      await put('/b', '1')
      const changed = await put('/a', '2')
      expect(await on.store.get('/a')).toEqual({ key: '/a', value: bytes('2'), revision: changed, created })
    })

    it('start afresh for a key that is created again after its deletion', async () => {
      await put('/a', '1')
      await remove('/a')
      const again = await put('/a', '2')
      expect(await on.store.get('/a')).toEqual({ key: '/a', value: bytes('2'), revision: again, created: again })
    })

    it('do not move when nothing is changed', async () => {
      const revision = await put('/a', '1')
      expect(await on.store.commit([], new Map())).toBe(revision)
      expect(await remove('/never-there')).toBe(revision)
      expect(await on.store.revision()).toBe(revision)
    })
  })

  describe('get', () => {
    it('finds nothing under a key that was never written or is deleted', async () => {
      await put('/a', '1')
      await remove('/a')
      expect(await on.store.get('/a')).toBeUndefined()
      expect(await on.store.get('/b')).toBeUndefined()
    })

    it('reads a key as it was at any revision of the history', async () => {
      const start = await on.store.revision()
      const r1 = await put('/a', '1')
      const r2 = await put('/b', 'x')
      const r3 = await put('/a', '2')
      const r4 = await remove('/a')
      const r5 = await put('/a', '3')
      const seen = []
      for (const at of [start, r1, r2, r3, r4, r5]) seen.push(textOf((await on.store.get('/a', at))?.value))
      expect(seen).toEqual([undefined, '1', '1', '2', undefined, '3'])
      expect(await on.store.get('/a', r2)).toEqual({ key: '/a', value: bytes('1'), revision: r1, created: r1 })
    })

    it('of a revision that is not yet written throws FutureRevision', async () => {
      const newest = await put('/a', '1')
      await expect(on.store.get('/a', newest + 5n)).rejects.toMatchObject({
        constructor: FutureRevision,
        wanted: newest + 5n,
        newest,
      })
      await expect(on.store.list('/', { at: newest + 5n })).rejects.toBeInstanceOf(FutureRevision)
    })

    it('gives back any bytes as they were, an empty value included', async () => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const big = new Uint8Array(1_300_000).fill(7)
      await on.store.commit(
        [
          { key: '/every', value: every },
          { key: '/empty', value: new Uint8Array(0) },
          { key: '/big', value: big },
        ],
        new Map(),
      )
      expect(plain((await on.store.get('/every'))!.value)).toEqual(every)
      expect(plain((await on.store.get('/empty'))!.value)).toEqual(new Uint8Array(0))
      expect(Buffer.compare((await on.store.get('/big'))!.value, big)).toBe(0)
    })
  })

  describe('list', () => {
    it('goes in the order of the keys’ bytes', async () => {
      const keys = ['/a', '/a-b', '/a/b', '/a0', '/aa', '/Z', '/é', '/\uffee', '/😀', '/b']
      await Promise.all(keys.map(key => put(key, key)))
      const inOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      const listing = await on.store.list('/')
      expect(listing.entries.map(e => e.key)).toEqual(inOrder)
      expect(listing.entries.map(e => textOf(e.value))).toEqual(inOrder)
      expect([...keys].sort(compareKeys)).toEqual(inOrder)
    })

    it('keeps within its prefix', async () => {
      for (const key of ['/pods', '/pods/', '/pods/a', '/pods0', '/podsets/a', '/pod/z', '/q/\u{10ffff}', '/r'])
        await put(key, '1')
      expect((await on.store.list('/pods/')).entries.map(e => e.key)).toEqual(['/pods/', '/pods/a'])
      expect((await on.store.list('/q/\u{10ffff}')).entries.map(e => e.key)).toEqual(['/q/\u{10ffff}'])
      expect((await on.store.list('')).entries).toHaveLength(8)
      expect(await on.store.list('/none/')).toEqual({ entries: [], revision: await on.store.revision(), remaining: 0 })
    })

    it('comes in pages that say how much remains', async () => {
      const keys = Array.from({ length: 10 }, (_, i) => `/p/${i}`)
      for (const key of keys) await put(key, '1')
      await put('/q/other', '1')
      const revision = await on.store.revision()
      const first = await on.store.list('/p/', { limit: 4 })
      expect(first).toMatchObject({ revision, remaining: 6 })
      expect(first.entries.map(e => e.key)).toEqual(keys.slice(0, 4))
      const second = await on.store.list('/p/', { limit: 4, after: '/p/3', at: revision })
      expect(second).toMatchObject({ revision, remaining: 2 })
      expect(second.entries.map(e => e.key)).toEqual(keys.slice(4, 8))
      const last = await on.store.list('/p/', { limit: 4, after: '/p/7', at: revision })
      expect(last).toMatchObject({ revision, remaining: 0 })
      expect(last.entries.map(e => e.key)).toEqual(keys.slice(8))
      for (const [limit, remains] of [
        [9, true],
        [10, false],
        [0, false],
      ] as const)
        expect((await on.store.list('/p/', { limit, uncounted: true })).remaining > 0).toBe(remains)
      expect((await on.store.list('/p/', { limit: 0 })).entries).toHaveLength(10)
      expect((await on.store.list('/p/', { after: '/a' })).entries).toHaveLength(10)
      expect((await on.store.list('/p/', { after: '/z' })).entries).toHaveLength(0)
    })

    it('shows the keys together as they were at a past revision', async () => {
      await put('/p/changed', 'old')
      await put('/p/deleted', 'old')
      const then = await put('/p/same', 'old')
      await put('/p/changed', 'new')
      await remove('/p/deleted')
      await put('/p/later', 'new')
      const was = await on.store.list('/p/', { at: then })
      expect(was.revision).toBe(then)
      expect(was.entries.map(e => [e.key, textOf(e.value)])).toEqual([
        ['/p/changed', 'old'],
        ['/p/deleted', 'old'],
        ['/p/same', 'old'],
      ])
      expect(await on.store.list('/p/', { at: then, limit: 1 })).toMatchObject({ remaining: 2, revision: then })
      expect((await on.store.list('/p/', { at: then, limit: 2, after: '/p/changed' })).entries.map(e => e.key)).toEqual(
        ['/p/deleted', '/p/same'],
      )
    })

    it('never mixes two revisions, whatever is written meanwhile', async () => {
      const writeBoth = (n: number) =>
        on.store.commit(
          Array.from({ length: 30 }, (_, i) => ({ key: `/both/${i}`, value: bytes(`${n}`) })),
          new Map(),
        )
      await writeBoth(0)
      const writing = (async () => {
        for (let n = 1; n <= 20; n++) await writeBoth(n)
      })()
      for (let i = 0; i < 20; i++) {
        const values = new Set((await on.store.list('/both/')).entries.map(e => textOf(e.value)))
        expect(values.size).toBe(1)
      }
      await writing
    })
  })
}
