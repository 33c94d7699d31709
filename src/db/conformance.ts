import { setMaxListeners } from 'node:events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import { compareKeys } from './key.ts'
import {
  Compacted,
  FutureRevision,
  type Key,
  type Revision,
  type Store,
  type StoreBatch,
  StoreConflict,
  type StoreEvent,
  StoreFailed,
} from './store.ts'

export interface ConformanceOptions {
  /** How many random histories the property test runs; 60 unless given. */
  runs?: number
  /** How many commits the tests of concurrency make; 400 unless given. */
  commits?: number
  /** Waits until what was compacted is physically gone, for engines that take their time. */
  swept?: (store: Store) => Promise<void>
}

/**
 * What every engine of the store must do. Revisions are compared, never assumed to start at 1 or to be without gaps.
 * @param open opens an empty store; slow watchers should fall back to history after some 64 waiting events
 */
export function storeConformance(
  name: string,
  open: (clock: VirtualClock) => Promise<Store>,
  options: ConformanceOptions = {},
): void {
  const commits = options.commits ?? 400

  describe(`${name} as a store`, () => {
    let store: Store
    let clock: VirtualClock
    let stop: AbortController

    beforeEach(async () => {
      clock = new VirtualClock()
      stop = new AbortController()
      setMaxListeners(0, stop.signal)
      store = await open(clock)
    })
    afterEach(async () => {
      stop.abort()
      await store[Symbol.asyncDispose]()
    })

    const put = (key: Key, value: string, seen?: Revision) =>
      store.commit([{ key, value: bytes(value) }], new Map(seen === undefined ? [] : [[key, seen]]))
    const remove = (key: Key, seen?: Revision) =>
      store.commit([{ key, value: undefined }], new Map(seen === undefined ? [] : [[key, seen]]))
    const watch = (prefix: Key, from: Revision) => new Reader(store.watch(prefix, from, stop.signal))

    /** Moves the clock until the promise is settled. */
    async function whileTimePasses<T>(promise: Promise<T>): Promise<T> {
      let settled = false
      const done = () => {
        settled = true
      }
      promise.then(done, done)
      while (!settled) await clock.advance(100)
      return promise
    }

    describe('revisions', () => {
      it('grow by at least one with each commit', async () => {
        const start = await store.revision()
        const first = await put('/a', '1')
        const second = await put('/b', '1')
        expect(first).toBeGreaterThan(start)
        expect(second).toBeGreaterThan(first)
        expect(await store.revision()).toBe(second)
      })

      it('are kept with each key: of its creation and of its last change', async () => {
        const created = await put('/a', '1')
        await put('/b', '1')
        const changed = await put('/a', '2')
        expect(await store.get('/a')).toEqual({ key: '/a', value: bytes('2'), revision: changed, created })
      })

      it('start afresh for a key that is created again after its deletion', async () => {
        await put('/a', '1')
        await remove('/a')
        const again = await put('/a', '2')
        expect(await store.get('/a')).toEqual({ key: '/a', value: bytes('2'), revision: again, created: again })
      })

      it('do not move when nothing is changed', async () => {
        const revision = await put('/a', '1')
        expect(await store.commit([], new Map())).toBe(revision)
        expect(await remove('/never-there')).toBe(revision)
        expect(await store.revision()).toBe(revision)
      })
    })

    describe('get', () => {
      it('finds nothing under a key that was never written or is deleted', async () => {
        await put('/a', '1')
        await remove('/a')
        expect(await store.get('/a')).toBeUndefined()
        expect(await store.get('/b')).toBeUndefined()
      })

      it('reads a key as it was at any revision of the history', async () => {
        const start = await store.revision()
        const r1 = await put('/a', '1')
        const r2 = await put('/b', 'x')
        const r3 = await put('/a', '2')
        const r4 = await remove('/a')
        const r5 = await put('/a', '3')
        const seen = []
        for (const at of [start, r1, r2, r3, r4, r5]) seen.push(textOf((await store.get('/a', at))?.value))
        expect(seen).toEqual([undefined, '1', '1', '2', undefined, '3'])
        expect(await store.get('/a', r2)).toEqual({ key: '/a', value: bytes('1'), revision: r1, created: r1 })
      })

      it('of a revision that is not yet written throws FutureRevision', async () => {
        const newest = await put('/a', '1')
        await expect(store.get('/a', newest + 5n)).rejects.toMatchObject({
          constructor: FutureRevision,
          wanted: newest + 5n,
          newest,
        })
        await expect(store.list('/', { at: newest + 5n })).rejects.toBeInstanceOf(FutureRevision)
      })

      it('gives back any bytes as they were, an empty value included', async () => {
        const every = Uint8Array.from({ length: 256 }, (_, i) => i)
        const big = new Uint8Array(1_300_000).fill(7)
        await store.commit(
          [
            { key: '/every', value: every },
            { key: '/empty', value: new Uint8Array(0) },
            { key: '/big', value: big },
          ],
          new Map(),
        )
        expect(plain((await store.get('/every'))!.value)).toEqual(every)
        expect(plain((await store.get('/empty'))!.value)).toEqual(new Uint8Array(0))
        expect(Buffer.compare((await store.get('/big'))!.value, big)).toBe(0)
      })
    })

    describe('commit', () => {
      it('refuses a key that moved on, says what is there now, and changes nothing', async () => {
        const r1 = await put('/a', '1')
        const r2 = await put('/a', '2', r1)
        const failure = await put('/a', '3', r1).catch(e => e)
        expect(failure).toBeInstanceOf(StoreConflict)
        expect(failure.key).toBe('/a')
        expect(failure.actual).toEqual({ key: '/a', value: bytes('2'), revision: r2, created: r1 })
        expect(await store.revision()).toBe(r2)
      })

      it('creates with 0 as the seen revision only what does not exist', async () => {
        const r1 = await put('/a', '1', 0n)
        await expect(put('/a', '2', 0n)).rejects.toBeInstanceOf(StoreConflict)
        await remove('/a', r1)
        await put('/a', '3', 0n)
        expect(textOf((await store.get('/a'))?.value)).toBe('3')
      })

      it('refuses a key that is gone', async () => {
        const r1 = await put('/a', '1')
        await remove('/a', r1)
        const failure = await put('/a', '2', r1).catch(e => e)
        expect(failure).toBeInstanceOf(StoreConflict)
        expect(failure.actual).toBeUndefined()
      })

      it('writes several changes at one revision, or none of them', async () => {
        const guard = await put('/guard', '1')
        const revision = await store.commit(
          [
            { key: '/a', value: bytes('1') },
            { key: '/b', value: bytes('1') },
          ],
          new Map([['/guard', guard]]),
        )
        expect((await store.list('/')).entries.map(e => [e.key, e.revision])).toEqual([
          ['/a', revision],
          ['/b', revision],
          ['/guard', guard],
        ])
        const failure = store.commit(
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
        expect((await store.list('/')).entries.map(e => e.key)).toEqual(['/a', '/b', '/guard'])
      })

      it('checks what was seen even when there is nothing to change', async () => {
        const r1 = await put('/a', '1')
        expect(await store.commit([], new Map([['/a', r1]]))).toBe(r1)
        await expect(store.commit([], new Map([['/a', 0n]]))).rejects.toBeInstanceOf(StoreConflict)
      })

      it('refuses keys that could not be kept, and one key twice', async () => {
        for (const key of ['', '/zero\0', '/half\ud800', `/${'x'.repeat(5000)}`])
          await expect(put(key, '1')).rejects.toBeInstanceOf(StoreFailed)
        const twice = [
          { key: '/a', value: bytes('1') },
          { key: '/a', value: bytes('2') },
        ]
        await expect(store.commit(twice, new Map())).rejects.toBeInstanceOf(StoreFailed)
        expect((await store.list('')).entries).toEqual([])
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
            const now = (await store.get('/counter'))!
            try {
              await put('/counter', String(Number(textOf(now.value)) + 1), now.revision)
              return
            } catch (e) {
              if (!(e instanceof StoreConflict)) throw e
            }
          }
        }
        await Promise.all(Array.from({ length: 12 }, increment))
        expect(textOf((await store.get('/counter'))?.value)).toBe('12')
      })

      it('can be read as soon as it resolves', async () => {
        for (let i = 0; i < 30; i++) {
          const revision = await put('/a', `${i}`)
          expect((await store.get('/a'))?.revision).toBe(revision)
          expect((await store.list('/')).revision).toBeGreaterThanOrEqual(revision)
        }
      })
    })

    describe('list', () => {
      it('goes in the order of the keys’ bytes', async () => {
        const keys = ['/a', '/a-b', '/a/b', '/a0', '/aa', '/Z', '/é', '/\uffee', '/😀', '/b']
        await Promise.all(keys.map(key => put(key, key)))
        const inOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        const listing = await store.list('/')
        expect(listing.entries.map(e => e.key)).toEqual(inOrder)
        expect(listing.entries.map(e => textOf(e.value))).toEqual(inOrder)
        expect([...keys].sort(compareKeys)).toEqual(inOrder)
      })

      it('keeps within its prefix', async () => {
        for (const key of ['/pods', '/pods/', '/pods/a', '/pods0', '/podsets/a', '/pod/z', '/q/\u{10ffff}', '/r'])
          await put(key, '1')
        expect((await store.list('/pods/')).entries.map(e => e.key)).toEqual(['/pods/', '/pods/a'])
        expect((await store.list('/q/\u{10ffff}')).entries.map(e => e.key)).toEqual(['/q/\u{10ffff}'])
        expect((await store.list('')).entries).toHaveLength(8)
        expect(await store.list('/none/')).toEqual({ entries: [], revision: await store.revision(), remaining: 0 })
      })

      it('comes in pages that say how much remains', async () => {
        const keys = Array.from({ length: 10 }, (_, i) => `/p/${i}`)
        for (const key of keys) await put(key, '1')
        await put('/q/other', '1')
        const revision = await store.revision()
        const first = await store.list('/p/', { limit: 4 })
        expect(first).toMatchObject({ revision, remaining: 6 })
        expect(first.entries.map(e => e.key)).toEqual(keys.slice(0, 4))
        const second = await store.list('/p/', { limit: 4, after: '/p/3', at: revision })
        expect(second).toMatchObject({ revision, remaining: 2 })
        expect(second.entries.map(e => e.key)).toEqual(keys.slice(4, 8))
        const last = await store.list('/p/', { limit: 4, after: '/p/7', at: revision })
        expect(last).toMatchObject({ revision, remaining: 0 })
        expect(last.entries.map(e => e.key)).toEqual(keys.slice(8))
        expect((await store.list('/p/', { limit: 0 })).entries).toHaveLength(10)
        expect((await store.list('/p/', { after: '/a' })).entries).toHaveLength(10)
        expect((await store.list('/p/', { after: '/z' })).entries).toHaveLength(0)
      })

      it('shows the keys together as they were at a past revision', async () => {
        await put('/p/changed', 'old')
        await put('/p/deleted', 'old')
        const then = await put('/p/same', 'old')
        await put('/p/changed', 'new')
        await remove('/p/deleted')
        await put('/p/later', 'new')
        const was = await store.list('/p/', { at: then })
        expect(was.revision).toBe(then)
        expect(was.entries.map(e => [e.key, textOf(e.value)])).toEqual([
          ['/p/changed', 'old'],
          ['/p/deleted', 'old'],
          ['/p/same', 'old'],
        ])
        expect(await store.list('/p/', { at: then, limit: 1 })).toMatchObject({ remaining: 2, revision: then })
        expect((await store.list('/p/', { at: then, limit: 2, after: '/p/changed' })).entries.map(e => e.key)).toEqual([
          '/p/deleted',
          '/p/same',
        ])
      })

      it('never mixes two revisions, whatever is written meanwhile', async () => {
        const writeBoth = (n: number) =>
          store.commit(
            Array.from({ length: 30 }, (_, i) => ({ key: `/both/${i}`, value: bytes(`${n}`) })),
            new Map(),
          )
        await writeBoth(0)
        const writing = (async () => {
          for (let n = 1; n <= 20; n++) await writeBoth(n)
        })()
        for (let i = 0; i < 20; i++) {
          const values = new Set((await store.list('/both/')).entries.map(e => textOf(e.value)))
          expect(values.size).toBe(1)
        }
        await writing
      })
    })

    describe('watch', () => {
      it('gives history first, then what happens, without a seam', async () => {
        const start = await store.revision()
        const r1 = await put('/p/a', '1')
        await put('/q/a', '1')
        const r2 = await put('/p/a', '2')
        const reader = watch('/p/', start)
        expect(await reader.events(2)).toEqual([
          event('put', '/p/a', '1', undefined, r1, r1),
          event('put', '/p/a', '2', '1', r2, r1),
        ])
        const r3 = await put('/p/b', '1')
        await put('/q/b', '1')
        const r4 = await remove('/p/a')
        expect(await reader.events(2)).toEqual([
          event('put', '/p/b', '1', undefined, r3, r3),
          event('delete', '/p/a', undefined, '2', r4, r1),
        ])
      })

      it('gives only what came after its revision', async () => {
        const r1 = await put('/a', '1')
        const from = await put('/a', '2')
        const r3 = await put('/a', '3')
        expect(await watch('/', from).events(1)).toEqual([event('put', '/a', '3', '2', r3, r1)])
      })

      it('hands over the changes of one commit together, past and live', async () => {
        const start = await store.revision()
        const past = await store.commit([change('/p/a', '1'), change('/q/x', '1'), change('/p/b', '1')], new Map())
        const reader = watch('/p/', start)
        const first = await reader.batch()
        expect(first.revision).toBe(past)
        expect(first.events.map(e => e.key)).toEqual(['/p/a', '/p/b'])
        const live = await store.commit(
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
        expect(await next).toEqual([event('put', '/b', '1', undefined, revision, revision)])
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
        const start = await store.revision()
        await put('/p/a', '1')
        const newest = await put('/q/a', '1')
        const reader = watch('/p/', start)
        expect((await reader.next())?.events).toHaveLength(1)
        expect(await whileTimePasses(reader.next())).toEqual({ revision: newest, events: [] })
      })

      it('ends quietly when aborted, also while it waits', async () => {
        const reader = watch('/', await store.revision())
        const next = reader.next()
        await settle()
        stop.abort()
        expect(await next).toBeUndefined()
        expect(await watch('/', 0n).next()).toBeUndefined()
      })

      it('gives every watcher everything once and in order while many write', async () => {
        const start = await store.revision()
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
        const start = await store.revision()
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

    describe('compaction', () => {
      it('forgets the past before a revision and says so', async () => {
        const start = await store.revision()
        await put('/a', '1')
        const r2 = await put('/a', '2')
        const r3 = await put('/a', '3')
        const r4 = await put('/a', '4')
        expect(await store.compact(r3)).toBe(r3)
        expect(await store.compacted()).toBe(r3)
        await expect(store.get('/a', r2)).rejects.toMatchObject({ constructor: Compacted, wanted: r2, oldest: r3 })
        await expect(store.list('/', { at: r2 })).rejects.toBeInstanceOf(Compacted)
        await expect(watch('/', r2).batch()).rejects.toMatchObject({ constructor: Compacted, wanted: r2, oldest: r3 })
        await expect(watch('/', start).batch()).rejects.toBeInstanceOf(Compacted)
        expect(textOf((await store.get('/a', r3))?.value)).toBe('3')
        expect((await watch('/', r3).events(1))[0]).toMatchObject({ type: 'put', key: '/a', revision: r4 })
        expect(await store.compact(r2)).toBe(r3)
      })

      it('never loses the newest state of a key, nor a deletion that is still in the history', async () => {
        await put('/kept', '1')
        await put('/deleted-before', '1')
        await remove('/deleted-before')
        await put('/deleted-after', '1')
        const r = await put('/changed', '1')
        const changed = await put('/changed', '2')
        const deleted = await remove('/deleted-after')
        await store.compact(r)
        expect((await store.list('/')).entries.map(e => [e.key, textOf(e.value)])).toEqual([
          ['/changed', '2'],
          ['/kept', '1'],
        ])
        expect((await store.list('/', { at: r })).entries.map(e => [e.key, textOf(e.value)])).toEqual([
          ['/changed', '1'],
          ['/deleted-after', '1'],
          ['/kept', '1'],
        ])
        expect((await watch('/', r).events(2)).map(e => [e.type, e.key, e.revision])).toEqual([
          ['put', '/changed', changed],
          ['delete', '/deleted-after', deleted],
        ])
        await store.compact(deleted)
        expect((await store.list('/')).entries.map(e => e.key)).toEqual(['/changed', '/kept'])
        await put('/deleted-before', '2', 0n)
        expect((await store.list('/')).entries.map(e => e.key)).toEqual(['/changed', '/deleted-before', '/kept'])
      })

      it('keeps a key that was deleted and made again, whatever is removed around it', async () => {
        await put('/a', '1')
        await remove('/a')
        const again = await put('/a', '2')
        await put('/gone', '1')
        await remove('/gone')
        const newest = await put('/b', '1')
        await store.compact(newest)
        await options.swept?.(store)
        expect((await store.list('/')).entries.map(e => [e.key, e.created])).toEqual([
          ['/a', again],
          ['/b', newest],
        ])
        expect(textOf((await store.get('/a', newest))?.value)).toBe('2')
        await put('/gone', '2', 0n)
        expect((await store.list('/')).entries).toHaveLength(3)
      })

      it('of a revision that is not yet written throws FutureRevision', async () => {
        const newest = await put('/a', '1')
        await expect(store.compact(newest + 2n)).rejects.toBeInstanceOf(FutureRevision)
      })

      it('does not disturb a live watch', async () => {
        const reader = watch('/', await store.revision())
        await put('/a', '1')
        expect(await reader.events(1)).toHaveLength(1)
        await store.compact(await store.revision())
        await put('/a', '2')
        expect((await reader.events(1))[0]).toMatchObject({ key: '/a', value: bytes('2') })
      })
    })

    describe('what a key was', () => {
      it('is told newest first, with the time of each change, across its deletion', async () => {
        const start = clock.now()
        const r1 = await put('/a', '1')
        await clock.advance(5000)
        const r2 = await put('/a', '2')
        await put('/ab', 'another key')
        await clock.advance(5000)
        const r3 = await remove('/a')
        const r4 = await put('/a', '3')
        const changes = await store.changes('/a')
        expect(changes.map(c => [c.revision, c.created, textOf(c.value)])).toEqual([
          [r4, r4, '3'],
          [r3, r1, undefined],
          [r2, r1, '2'],
          [r1, r1, '1'],
        ])
        // Engines that note the time with others' changes know it to some seconds.
        for (const [i, ms] of [10_000, 10_000, 5000, 0].entries())
          expect(Math.abs(changes[i]!.timeMs! - start - ms)).toBeLessThanOrEqual(changes[i]!.value ? 1000 : 5000)
        expect((await store.changes('/a', { limit: 2 })).map(c => c.revision)).toEqual([r4, r3])
        expect((await store.changes('/a', { limit: 2, before: r3 })).map(c => c.revision)).toEqual([r2, r1])
        expect(await store.changes('/never')).toEqual([])
      })

      it('names the author of each change, deletions included, and what the request was called', async () => {
        const by = (user: string, request: string) => ({ user, request })
        const id = '6f1d2a40-8c35-4b9e-a2f1-0123456789ab'
        const authors = [by('jane', id), by('system:serviceaccount:a:b', 'sixteen-letters!'), by('jane', 'Grüße')]
        const r1 = await store.commit([{ key: '/a', value: bytes('1') }], new Map(), authors[0])
        await put('/b', '1')
        const r2 = await store.commit([{ key: '/a', value: bytes('2') }], new Map(), authors[1])
        const r3 = await put('/a', '3')
        const r4 = await store.commit([{ key: '/a', value: undefined }], new Map([['/a', r3]]), authors[2])
        const r5 = await store.commit(
          ['/a', '/c'].map(key => ({ key, value: bytes('4') })),
          new Map(),
          authors[0],
        )
        const told = async (key: Key) => (await store.changes(key)).map(c => [c.revision, c.author])
        expect(await told('/a')).toEqual([
          [r5, authors[0]],
          [r4, authors[2]],
          [r3, undefined],
          [r2, authors[1]],
          [r1, authors[0]],
        ])
        expect(await told('/c')).toEqual([[r5, authors[0]]])
        await expect(
          store.commit([{ key: '/a', value: bytes('5') }], new Map([['/a', r1]]), authors[1]),
        ).rejects.toThrow()
        expect((await told('/a'))[0]).toEqual([r5, authors[0]])
      })

      it('goes back as far as the history, to the state that this begins with', async () => {
        const r1 = await put('/a', '1')
        await put('/b', '1')
        await remove('/b')
        const oldest = await put('/c', '1')
        const r2 = await put('/a', '2')
        await store.compact(oldest)
        await options.swept?.(store)
        expect((await store.changes('/a')).map(c => [c.revision, textOf(c.value)])).toEqual([
          [r2, '2'],
          [r1, '1'],
        ])
        expect(await store.changes('/b')).toEqual([])
        await store.compact(r2)
        await options.swept?.(store)
        expect((await store.changes('/a')).map(c => c.revision)).toEqual([r2])
      })

      it('is found by time', async () => {
        await put('/first', '1')
        await clock.advance(5000)
        const start = clock.now()
        const revisions: Revision[] = []
        for (let i = 0; i < 4; i++) {
          revisions.push(await put('/a', `${i}`))
          await clock.advance(10_000)
        }
        const found: Revision[] = []
        for (const at of [5_000, 15_000, 25_000, 100_000]) found.push(await store.revisionAt(start + at))
        expect(found).toEqual(revisions)
        await store.compact(revisions[1]!)
        await options.swept?.(store)
        await expect(store.revisionAt(start + 5_000)).rejects.toBeInstanceOf(Compacted)
        expect(await store.revisionAt(start + 15_000)).toBe(revisions[1])
        expect(await store.revisionAt(start + 25_000)).toBe(revisions[2])
      })
    })

    describe('disposal', () => {
      it('makes waiting watches and later calls fail, and keeps what was accepted', async () => {
        const reader = watch('/', await store.revision())
        const waiting = reader.next().catch(e => e)
        await settle()
        const accepted = put('/a', '1')
        await store[Symbol.asyncDispose]()
        await expect(accepted).resolves.toBeTypeOf('bigint')
        // The last event may still come through before the end.
        let end = await waiting
        while (!(end instanceof Error)) end = await reader.next().catch(e => e)
        expect(end).toBeInstanceOf(StoreFailed)
        await expect(put('/b', '1')).rejects.toBeInstanceOf(StoreFailed)
        await expect(store.get('/a')).rejects.toBeInstanceOf(StoreFailed)
        await expect(watch('/', 0n).batch()).rejects.toBeInstanceOf(StoreFailed)
        await store[Symbol.asyncDispose]()
      })
    })

    describe('any history', () => {
      it('reads the same as in a plain model, now and at every kept revision, and replays the same', async () => {
        let run = 0
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async steps => {
            const root = `/run${run++}/`
            await checkAgainstModel(store, root, steps, stop.signal, options.swept)
          }),
          { numRuns: options.runs ?? 60 },
        )
      })
    })
  })
}

type Step =
  | { do: 'commit'; changes: { key: number; value: string | undefined }[]; seen: { key: number; right: boolean }[] }
  | { do: 'compact'; back: number }

const keyNumber = fc.integer({ min: 0, max: 5 })
/** Short ones, and long ones of which a small part differs: engines may keep only that. */
const text = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.string({ maxLength: 4 }).map(s => `${'abcdefghijklmnopqrst'.repeat(20)}${s}${'zyxwvutsrq'.repeat(20)}`),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      changes: fc.uniqueArray(fc.record({ key: keyNumber, value: fc.option(text, { nil: undefined, freq: 3 }) }), {
        maxLength: 3,
        selector: c => c.key,
      }),
      seen: fc.uniqueArray(fc.record({ key: keyNumber, right: fc.boolean() }), { maxLength: 1, selector: s => s.key }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.integer({ min: 0, max: 10 }) }) },
)

interface ModelState {
  value: string
  revision: Revision
  created: Revision
}

/** Runs the steps on the store and on a map, and compares all that can be read. */
async function checkAgainstModel(
  store: Store,
  root: Key,
  steps: Step[],
  signal: AbortSignal,
  swept?: (store: Store) => Promise<void>,
): Promise<void> {
  const keyOf = (n: number) => `${root}${'abcdef'[n]}`
  const start = await store.revision()
  let oldest = start
  let now = new Map<Key, ModelState>()
  const past: { revision: Revision; state: Map<Key, ModelState> }[] = [{ revision: start, state: now }]
  const events: StoreEvent[] = []
  const live = collect(new Reader(store.watch(root, start, signal)))

  for (const s of steps) {
    if (s.do === 'compact') {
      oldest = past[Math.max(past.length - 1 - s.back, 0)]!.revision
      oldest = await store.compact(oldest)
      await swept?.(store)
      continue
    }
    const seen = new Map<Key, Revision>()
    for (const { key, right } of s.seen) {
      const actual = now.get(keyOf(key))?.revision ?? 0n
      seen.set(keyOf(key), right ? actual : actual + 1n)
    }
    const changes = s.changes.map(c => ({
      key: keyOf(c.key),
      value: c.value === undefined ? undefined : bytes(c.value),
    }))
    const before = past.at(-1)!.revision
    const outcome = await store.commit(changes, seen).catch(e => e)
    if (s.seen.some(x => !x.right)) {
      expect(outcome).toBeInstanceOf(StoreConflict)
      continue
    }
    const effective = changes.filter(c => c.value !== undefined || now.has(c.key))
    if (effective.length === 0) {
      expect(outcome).toBe(before)
      continue
    }
    expect(outcome).toBeGreaterThan(before)
    const revision: Revision = outcome
    const next = new Map(now)
    for (const { key, value } of effective) {
      const was = now.get(key)
      const made = was?.created ?? revision
      events.push(event(value ? 'put' : 'delete', key, textOf(value), was?.value, revision, made))
      if (value) next.set(key, { value: textOf(value)!, revision, created: made })
      else next.delete(key)
    }
    now = next
    past.push({ revision, state: now })
  }

  for (const { revision, state } of past) {
    if (revision < oldest) {
      await expect(store.list(root, { at: revision })).rejects.toBeInstanceOf(Compacted)
      continue
    }
    const listing = await store.list(root, { at: revision })
    const want = [...state].sort(([a], [b]) => compareKeys(a, b))
    expect(listing.entries.map(e => [e.key, textOf(e.value), e.revision, e.created])).toEqual(
      want.map(([key, s]) => [key, s.value, s.revision, s.created]),
    )
    expect(listing.remaining).toBe(0)
  }
  expect(await live(events.length)).toEqual(events)
  const kept = events.filter(e => e.revision > oldest)
  const replayed = await new Reader(store.watch(root, oldest, signal)).events(kept.length)
  expect(replayed.map(e => ({ ...e, previous: undefined }))).toEqual(kept.map(e => ({ ...e, previous: undefined })))
  for (const e of replayed)
    if (e.previous)
      expect(textOf(e.previous)).toBe(textOf(kept.find(k => k.key === e.key && k.revision === e.revision)?.previous))
}

/** Reads a watch from now on; the function it returns waits for the first `count` events. */
function collect(reader: Reader): (count: number) => Promise<StoreEvent[]> {
  const events: StoreEvent[] = []
  let wanted = Number.POSITIVE_INFINITY
  let done = () => {}
  const reading = (async () => {
    for (;;) {
      const batch = await reader.next()
      if (!batch) return
      events.push(...batch.events)
      if (events.length >= wanted) done()
    }
  })()
  return count =>
    Promise.race([
      reading,
      new Promise<void>(resolve => {
        wanted = count
        done = resolve
        if (events.length >= count) resolve()
      }),
    ]).then(() => events)
}

/** Reads a watch piece by piece. */
class Reader {
  readonly #iterator: AsyncIterator<StoreBatch>
  constructor(watch: AsyncIterable<StoreBatch>) {
    this.#iterator = watch[Symbol.asyncIterator]()
  }

  /** The next batch, with or without events; undefined at the end. */
  async next(): Promise<StoreBatch | undefined> {
    const next = await this.#iterator.next()
    return next.done ? undefined : { revision: next.value.revision, events: next.value.events.map(plainEvent) }
  }

  /** The next batch with events. */
  async batch(): Promise<StoreBatch> {
    for (;;) {
      const batch = await this.next()
      if (!batch) throw new Error('the watch ended')
      if (batch.events.length) return batch
    }
  }

  /** So many events; batches are taken whole. */
  async events(count: number): Promise<StoreEvent[]> {
    const events: StoreEvent[] = []
    while (events.length < count) events.push(...(await this.batch()).events)
    return events
  }
}

function change(key: Key, value: string | undefined) {
  return { key, value: value === undefined ? undefined : bytes(value) }
}

function event(
  type: StoreEvent['type'],
  key: Key,
  value: string | undefined,
  previous: string | undefined,
  revision: Revision,
  created: Revision,
): StoreEvent {
  return {
    type,
    key,
    value: value === undefined ? undefined : bytes(value),
    previous: previous === undefined ? undefined : bytes(previous),
    revision,
    created,
  }
}

function keysAndRevisions(events: StoreEvent[]) {
  return events.map(e => [e.key, e.revision])
}

/** Buffers and views compare equal to plain bytes. */
function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value)
}

function plainEvent(e: StoreEvent): StoreEvent {
  return { ...e, value: e.value && plain(e.value), previous: e.previous && plain(e.previous) }
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString()
}
