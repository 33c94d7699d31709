import { describe, expect, it } from 'vitest'
import { Compacted, FutureRevision } from '../store.ts'
import { bytes, textOf } from './events.ts'
import type { Subject } from './subject.ts'

/** What of the past is forgotten, and what is not. */
export function compactsWell(on: Subject): void {
  const { options, put, remove, watch } = on
  describe('compaction', () => {
    it('forgets the past before a revision and says so', async () => {
      const start = await on.store.revision()
      await put('/a', '1')
      const r2 = await put('/a', '2')
      const r3 = await put('/a', '3')
      const r4 = await put('/a', '4')
      expect(await on.store.compact(r3)).toBe(r3)
      expect(await on.store.compacted()).toBe(r3)
      await expect(on.store.get('/a', r2)).rejects.toMatchObject({ constructor: Compacted, wanted: r2, oldest: r3 })
      await expect(on.store.list('/', { at: r2 })).rejects.toBeInstanceOf(Compacted)
      await expect(watch('/', r2).batch()).rejects.toMatchObject({ constructor: Compacted, wanted: r2, oldest: r3 })
      await expect(watch('/', start).batch()).rejects.toBeInstanceOf(Compacted)
      expect(textOf((await on.store.get('/a', r3))?.value)).toBe('3')
      expect((await watch('/', r3).events(1))[0]).toMatchObject({ type: 'put', key: '/a', revision: r4 })
      expect(await on.store.compact(r2)).toBe(r3)
    })

    it('never loses the newest state of a key, nor a deletion that is still in the history', async () => {
      await put('/kept', '1')
      await put('/deleted-before', '1')
      await remove('/deleted-before')
      await put('/deleted-after', '1')
      const r = await put('/changed', '1')
      const changed = await put('/changed', '2')
      const deleted = await remove('/deleted-after')
      await on.store.compact(r)
      expect((await on.store.list('/')).entries.map(e => [e.key, textOf(e.value)])).toEqual([
        ['/changed', '2'],
        ['/kept', '1'],
      ])
      expect((await on.store.list('/', { at: r })).entries.map(e => [e.key, textOf(e.value)])).toEqual([
        ['/changed', '1'],
        ['/deleted-after', '1'],
        ['/kept', '1'],
      ])
      expect((await watch('/', r).events(2)).map(e => [e.type, e.key, e.revision])).toEqual([
        ['put', '/changed', changed],
        ['delete', '/deleted-after', deleted],
      ])
      await on.store.compact(deleted)
      expect((await on.store.list('/')).entries.map(e => e.key)).toEqual(['/changed', '/kept'])
      await put('/deleted-before', '2', 0n)
      expect((await on.store.list('/')).entries.map(e => e.key)).toEqual(['/changed', '/deleted-before', '/kept'])
    })

    it('keeps a key that was deleted and made again, whatever is removed around it', async () => {
      await put('/a', '1')
      await remove('/a')
      const again = await put('/a', '2')
      await put('/gone', '1')
      await remove('/gone')
      const newest = await put('/b', '1')
      await on.store.compact(newest)
      await options.swept?.(on.store)
      expect((await on.store.list('/')).entries.map(e => [e.key, e.created])).toEqual([
        ['/a', again],
        ['/b', newest],
      ])
      expect(textOf((await on.store.get('/a', newest))?.value)).toBe('2')
      await put('/gone', '2', 0n)
      expect((await on.store.list('/')).entries).toHaveLength(3)
    })

    it('of a revision that is not yet written throws FutureRevision', async () => {
      const newest = await put('/a', '1')
      await expect(on.store.compact(newest + 2n)).rejects.toBeInstanceOf(FutureRevision)
    })

    it('does not disturb a live watch', async () => {
      const reader = watch('/', await on.store.revision())
      await put('/a', '1')
      expect(await reader.events(1)).toHaveLength(1)
      await on.store.compact(await on.store.revision())
      await put('/a', '2')
      expect((await reader.events(1))[0]).toMatchObject({ key: '/a', value: bytes('2') })
    })
  })
}
