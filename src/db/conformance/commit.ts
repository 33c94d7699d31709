import { describe, expect, it } from 'vitest'
import { type Revision, StoreConflict, StoreFailed } from '../store.ts'
import { bytes, textOf } from './events.ts'
import type { Subject } from './subject.ts'

/** What a commit does, and when it does not. */
export function commitsWell(on: Subject): void {
  const { put, remove } = on
  describe('commit', () => {
    it('refuses a key that moved on, says what is there now, and changes nothing', async () => {
      const r1 = await put('/a', '1')
      const r2 = await put('/a', '2', r1)
      const failure = await put('/a', '3', r1).catch(e => e)
      expect(failure).toBeInstanceOf(StoreConflict)
      expect(failure.key).toBe('/a')
      expect(failure.actual).toEqual({ key: '/a', value: bytes('2'), revision: r2, created: r1 })
      expect(await on.store.revision()).toBe(r2)
    })

    it('creates with 0 as the seen revision only what does not exist', async () => {
      const r1 = await put('/a', '1', 0n)
      await expect(put('/a', '2', 0n)).rejects.toBeInstanceOf(StoreConflict)
      await remove('/a', r1)
      await put('/a', '3', 0n)
      expect(textOf((await on.store.get('/a'))?.value)).toBe('3')
    })

    it('refuses a key that is gone', async () => {
      const r1 = await put('/a', '1')
      await remove('/a', r1)
      const failure = await put('/a', '2', r1).catch(e => e)
      expect(failure).toBeInstanceOf(StoreConflict)
      expect(failure.actual).toBeUndefined()
    })

    it('takes room, which is told', async () => {
      await put('/a', '1')
      expect(await on.store.sizeBytes()).toBeGreaterThan(0)
    })

    it('writes several changes at one revision, or none of them', async () => {
      const guard = await put('/guard', '1')
      const revision = await on.store.commit(
        [
          { key: '/a', value: bytes('1') },
          { key: '/b', value: bytes('1') },
        ],
        new Map([['/guard', guard]]),
      )
      expect((await on.store.list('/')).entries.map(e => [e.key, e.revision])).toEqual([
        ['/a', revision],
        ['/b', revision],
        ['/guard', guard],
      ])
      const failure = on.store.commit(
        [
          { key: '/a', value: undefined },
          { key: '/c', value: bytes('1') },
        ],
        new Map([
          ['/guard', guard],
          ['/b', guard],
        ]),
      )
      await expect(failure).rejects.toMatchObject({ constructor: StoreConflict, key: '/b' })
      expect((await on.store.list('/')).entries.map(e => e.key)).toEqual(['/a', '/b', '/guard'])
    })

    it('checks what was seen even when there is nothing to change', async () => {
      const r1 = await put('/a', '1')
      expect(await on.store.commit([], new Map([['/a', r1]]))).toBe(r1)
      await expect(on.store.commit([], new Map([['/a', 0n]]))).rejects.toBeInstanceOf(StoreConflict)
    })

    it('refuses keys that could not be kept, and one key twice', async () => {
      for (const key of ['', '/zero\0', '/half\ud800', `/${'x'.repeat(5000)}`])
        await expect(put(key, '1')).rejects.toBeInstanceOf(StoreFailed)
      const twice = [
        { key: '/a', value: bytes('1') },
        { key: '/a', value: bytes('2') },
      ]
      await expect(on.store.commit(twice, new Map())).rejects.toBeInstanceOf(StoreFailed)
      expect((await on.store.list('')).entries).toEqual([])
    })

    it('lets exactly one of many writers win each round', async () => {
      let seen = await put('/counter', '0')
      for (let round = 0; round < 10; round++) {
        const tries = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => put('/counter', `${i}`, seen)))
        const won = tries.filter(t => t.status === 'fulfilled')
        expect(won).toHaveLength(1)
        for (const t of tries) if (t.status === 'rejected') expect(t.reason).toBeInstanceOf(StoreConflict)
        seen = (won[0] as PromiseFulfilledResult<Revision>).value
      }
    })

    it('loses no increment of writers that retry on conflict', async () => {
      await put('/counter', '0')
      const increment = async () => {
        for (;;) {
          const now = (await on.store.get('/counter'))!
          try {
            await put('/counter', String(Number(textOf(now.value)) + 1), now.revision)
            return
          } catch (e) {
            if (!(e instanceof StoreConflict)) throw e
          }
        }
      }
      await Promise.all(Array.from({ length: 12 }, increment))
      expect(textOf((await on.store.get('/counter'))?.value)).toBe('12')
    })

    it('can be read as soon as it resolves', async () => {
      for (let i = 0; i < 30; i++) {
        const revision = await put('/a', `${i}`)
        expect((await on.store.get('/a'))?.revision).toBe(revision)
        expect((await on.store.list('/')).revision).toBeGreaterThanOrEqual(revision)
      }
    })
  })
}
