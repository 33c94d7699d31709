import { describe, expect, it } from 'vitest'
import { Compacted, type Key, type Revision } from '../store.ts'
import { bytes, textOf } from './events.ts'
import type { Subject } from './subject.ts'

/** What a single key was. */
export function remembersKeys(on: Subject): void {
  const { options, put, remove } = on
  describe('what a key was', () => {
    it('is told newest first, with the time of each change, across its deletion', async () => {
      const start = on.clock.now()
      const r1 = await put('/a', '1')
      await on.clock.advance(5000)
      const r2 = await put('/a', '2')
      await put('/ab', 'another key')
      await on.clock.advance(5000)
      const r3 = await remove('/a')
      const r4 = await put('/a', '3')
      const changes = await on.store.changes('/a')
      expect(changes.map(c => [c.revision, c.created, textOf(c.value)])).toEqual([
        [r4, r4, '3'],
        [r3, r1, undefined],
        [r2, r1, '2'],
        [r1, r1, '1'],
      ])
      // Engines that note the time with others' changes know it to some seconds.
      for (const [i, ms] of [10_000, 10_000, 5000, 0].entries())
        expect(Math.abs(changes[i]!.timeMs! - start - ms)).toBeLessThanOrEqual(changes[i]!.value ? 1000 : 5000)
      expect((await on.store.changes('/a', { limit: 2 })).map(c => c.revision)).toEqual([r4, r3])
      expect((await on.store.changes('/a', { limit: 2, before: r3 })).map(c => c.revision)).toEqual([r2, r1])
      expect(await on.store.changes('/never')).toEqual([])
    })

    it('names the author of each change, deletions included, and what the request was called', async () => {
      const by = (user: string, request: string) => ({ user, request })
      const id = '6f1d2a40-8c35-4b9e-a2f1-0123456789ab'
      const authors = [by('jane', id), by('system:serviceaccount:a:b', 'sixteen-letters!'), by('jane', 'Grüße')]
      const r1 = await on.store.commit([{ key: '/a', value: bytes('1') }], new Map(), authors[0])
      await put('/b', '1')
      const r2 = await on.store.commit([{ key: '/a', value: bytes('2') }], new Map(), authors[1])
      const r3 = await put('/a', '3')
      const r4 = await on.store.commit([{ key: '/a', value: undefined }], new Map([['/a', r3]]), authors[2])
      const r5 = await on.store.commit(
        ['/a', '/c'].map(key => ({ key, value: bytes('4') })),
        new Map(),
        authors[0],
      )
      const told = async (key: Key) => (await on.store.changes(key)).map(c => [c.revision, c.author])
      expect(await told('/a')).toEqual([
        [r5, authors[0]],
        [r4, authors[2]],
        [r3, undefined],
        [r2, authors[1]],
        [r1, authors[0]],
      ])
      expect(await told('/c')).toEqual([[r5, authors[0]]])
      await expect(
        on.store.commit([{ key: '/a', value: bytes('5') }], new Map([['/a', r1]]), authors[1]),
      ).rejects.toThrow()
      expect((await told('/a'))[0]).toEqual([r5, authors[0]])
    })

    it('goes back as far as the history, to the state that this begins with', async () => {
      const r1 = await put('/a', '1')
      await put('/b', '1')
      await remove('/b')
      const oldest = await put('/c', '1')
      const r2 = await put('/a', '2')
      await on.store.compact(oldest)
      await options.swept?.(on.store)
      expect((await on.store.changes('/a')).map(c => [c.revision, textOf(c.value)])).toEqual([
        [r2, '2'],
        [r1, '1'],
      ])
      expect(await on.store.changes('/b')).toEqual([])
      await on.store.compact(r2)
      await options.swept?.(on.store)
      expect((await on.store.changes('/a')).map(c => c.revision)).toEqual([r2])
    })

    it('is found by time', async () => {
      await put('/first', '1')
      await on.clock.advance(5000)
      const start = on.clock.now()
      const revisions: Revision[] = []
      for (let i = 0; i < 4; i++) {
        revisions.push(await put('/a', `${i}`))
        await on.clock.advance(10_000)
      }
      const found: Revision[] = []
      for (const at of [5_000, 15_000, 25_000, 100_000]) found.push(await on.store.revisionAt(start + at))
      expect(found).toEqual(revisions)
      await on.store.compact(revisions[1]!)
      await options.swept?.(on.store)
      await expect(on.store.revisionAt(start + 5_000)).rejects.toBeInstanceOf(Compacted)
      expect(await on.store.revisionAt(start + 15_000)).toBe(revisions[1])
      expect(await on.store.revisionAt(start + 25_000)).toBe(revisions[2])
    })
  })
}
