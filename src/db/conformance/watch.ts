import { describe, expect, it } from 'vitest'
import { settle } from '../../base/virtual-clock.ts'
import { FutureRevision, type Key } from '../store.ts'
import { change, event, keysAndRevisions, type Reader } from './events.ts'
import type { Subject } from './subject.ts'

/** What watchers are told. */
export function watchesWell(on: Subject): void {
  const { commits, put, remove, watch, whileTimePasses } = on
  describe('watch', () => {
    it('gives history first, then what happens, without a seam', async () => {
      const start = await on.store.revision()
      const r1 = await put('/p/a', '1')
      await put('/q/a', '1')
      const r2 = await put('/p/a', '2')
      const reader = watch('/p/', start)
      expect(await reader.events(2)).toEqual([event('put', '/p/a', '1', r1, r1), event('put', '/p/a', '2', r2, r1)])
      const r3 = await put('/p/b', '1')
      await put('/q/b', '1')
      const r4 = await remove('/p/a')
      expect(await reader.events(2)).toEqual([
        event('put', '/p/b', '1', r3, r3),
        event('delete', '/p/a', undefined, r4, 0n),
      ])
    })

    it('gives only what came after its revision', async () => {
      const r1 = await put('/a', '1')
      const from = await put('/a', '2')
      const r3 = await put('/a', '3')
      expect(await watch('/', from).events(1)).toEqual([event('put', '/a', '3', r3, r1)])
    })

    it('hands over the changes of one commit together, past and live', async () => {
      const start = await on.store.revision()
      const past = await on.store.commit([change('/p/a', '1'), change('/q/x', '1'), change('/p/b', '1')], new Map())
      const reader = watch('/p/', start)
      const first = await reader.batch()
      expect(first.revision).toBe(past)
      expect(first.events.map(e => e.key)).toEqual(['/p/a', '/p/b'])
      const live = await on.store.commit(
        [change('/p/b', '2'), change('/p/a', undefined), change('/q/y', '1')],
        new Map(),
      )
      const second = await reader.batch()
      expect(second.revision).toBe(live)
      expect(second.events.map(e => [e.type, e.key])).toEqual([
        ['put', '/p/b'],
        ['delete', '/p/a'],
      ])
    })

    it('from the newest revision waits for the next change', async () => {
      const reader = watch('/', await put('/a', '1'))
      const next = reader.events(1)
      await settle()
      const revision = await put('/b', '1')
      expect(await next).toEqual([event('put', '/b', '1', revision, revision)])
    })

    it('from a revision that is not yet written throws FutureRevision', async () => {
      const newest = await put('/a', '1')
      await expect(watch('/', newest + 3n).batch()).rejects.toMatchObject({ constructor: FutureRevision, newest })
    })

    it('tells an idle reader how far the store has got', async () => {
      const start = await put('/q/a', '1')
      const reader = watch('/p/', start)
      const next = reader.next()
      await settle()
      await put('/q/a', '2')
      const newest = await put('/q/a', '3')
      let told = await whileTimePasses(next)
      while (told && told.revision < newest) {
        expect(told.events).toEqual([])
        told = await whileTimePasses(reader.next())
      }
      expect(told).toEqual({ revision: newest, events: [] })
    })

    it('tells that it caught up when history ends in other keys’ changes', async () => {
      const start = await on.store.revision()
      await put('/p/a', '1')
      const newest = await put('/q/a', '1')
      const reader = watch('/p/', start)
      expect((await reader.next())?.events).toHaveLength(1)
      expect(await whileTimePasses(reader.next())).toEqual({ revision: newest, events: [] })
    })

    it('ends quietly when aborted, also while it waits', async () => {
      const reader = watch('/', await on.store.revision())
      const next = reader.next()
      await settle()
      on.stop.abort()
      expect(await next).toBeUndefined()
      expect(await watch('/', 0n).next()).toBeUndefined()
    })

    it('gives every watcher everything once and in order while many write', async () => {
      const start = await on.store.revision()
      const early = [watch('/w/', start), watch('/w/0/', start), watch('', start)]
      const reading = early.map(r => r.events(0).then(() => r))
      const late: Reader[] = []
      await Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let i = 0; i < commits / 8; i++) {
            await put(`/w/${writer}/${i % 7}`, `${i}`)
            if (i % 20 === 10) late.push(watch('/w/', start))
          }
        }),
      )
      await Promise.all(reading)
      const truth = await watch('', start).events(commits)
      const total = (reader: Reader, prefix: Key) => reader.events(truth.filter(e => e.key.startsWith(prefix)).length)
      expect(keysAndRevisions(await total(early[0]!, '/w/'))).toEqual(keysAndRevisions(truth))
      expect(keysAndRevisions(await total(early[1]!, '/w/0/'))).toEqual(
        keysAndRevisions(truth.filter(e => e.key.startsWith('/w/0/'))),
      )
      expect(await total(early[2]!, '')).toEqual(truth)
      for (const reader of late) expect(await total(reader, '/w/')).toEqual(truth)
      expect(truth.map(e => e.revision)).toEqual([...truth.map(e => e.revision)].sort((a, b) => (a < b ? -1 : 1)))
    })

    it('misses nothing for a reader that is slower than the writers', async () => {
      const start = await on.store.revision()
      const slow = watch('/', start)
      const first = put('/k/first', '1')
      const got = await slow.events(1)
      await first
      // Far more than a watcher may have waiting.
      for (let i = 0; i < commits; i += 50)
        await Promise.all(Array.from({ length: 50 }, (_, j) => put(`/k/${i + j}`, '1')))
      got.push(...(await slow.events(commits)))
      expect(new Set(got.map(e => e.key)).size).toBe(commits + 1)
      expect(got).toHaveLength(commits + 1)
      expect(await watch('/', start).events(commits + 1)).toEqual(got)
    })
  })
}
