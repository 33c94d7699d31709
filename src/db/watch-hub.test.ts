import { describe, expect, it } from 'vitest'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import type { Revision, StoreBatch } from './store.ts'
import { WatchHub } from './watch-hub.ts'

/** A hub whose history is all that `batches` says, in pages of two. */
function hubOn(batches: StoreBatch[], published: Revision, newest = published) {
  const reads: [Revision, Revision][] = []
  const hub = new WatchHub({
    clock: new VirtualClock(),
    published,
    newest: async () => newest,
    async readHistory(_prefix, after, through) {
      reads.push([after, through])
      const page = batches.filter(b => b.revision > after && b.revision <= through).slice(0, 2)
      return { batches: page, through: page.length === 2 ? page[1]!.revision : through }
    },
    bufferedEvents: 3,
  })
  return { hub, reads }
}

function commit(revision: Revision): StoreBatch {
  const event = { key: '/a', value: new Uint8Array(), revision, created: 1n }
  return { revision, events: [{ type: 'put', ...event }] }
}

async function take(watch: AsyncIterator<StoreBatch>, count: number): Promise<Revision[]> {
  const revisions: Revision[] = []
  while (revisions.length < count) revisions.push((await watch.next()).value!.revision)
  return revisions
}

describe('the hub of watches', () => {
  it('does not repeat a commit that the watcher had seen before it was published', async () => {
    // Read by the watcher's owner from the engine, which has it on disk; the writer's word of it is still on its way.
    const { hub } = hubOn([commit(1n), commit(2n)], 1n, 2n)
    const watch = hub.watch('', 2n, new AbortController().signal)[Symbol.asyncIterator]()
    const first = watch.next()
    await settle()
    hub.publish(commit(2n))
    hub.publish(commit(3n))
    expect((await first).value?.revision).toBe(3n)
  })

  it('reads history only up to where it joined, and goes on from there', async () => {
    const past = [1n, 2n, 3n, 4n, 5n].map(commit)
    const { hub, reads } = hubOn(past, 5n)
    const watch = hub.watch('', 0n, new AbortController().signal)[Symbol.asyncIterator]()
    expect(await take(watch, 1)).toEqual([1n])
    hub.publish(commit(6n))
    hub.publish(commit(7n))
    expect(await take(watch, 6)).toEqual([2n, 3n, 4n, 5n, 6n, 7n])
    expect(reads).toEqual([
      [0n, 5n],
      [2n, 5n],
      [4n, 5n],
    ])
  })

  it('sends a watcher back to history when too much waits for it, and lets it join again', async () => {
    const past = [1n, 2n, 3n, 4n, 5n, 6n].map(commit)
    const { hub } = hubOn(past, 1n)
    const watch = hub.watch('', 1n, new AbortController().signal)[Symbol.asyncIterator]()
    const first = watch.next()
    await settle()
    hub.publish(commit(2n))
    expect((await first).value?.revision).toBe(2n)
    expect(hub.oldestReading).toBeUndefined()
    for (const revision of [3n, 4n, 5n, 6n]) hub.publish(commit(revision))
    expect(hub.oldestReading).toBe(2n)
    expect(await take(watch, 4)).toEqual([3n, 4n, 5n, 6n])
    const live = watch.next()
    await settle()
    expect(hub.oldestReading).toBeUndefined()
    hub.publish(commit(7n))
    expect((await live).value?.revision).toBe(7n)
  })

  it('hands out at once what waits, in order, once history is read, and nothing when it has ended', async () => {
    const { hub } = hubOn([1n, 2n, 3n].map(commit), 3n)
    const stop = new AbortController()
    const batches = hub.watch('', 0n, stop.signal)
    const ready = (fits?: (batch: StoreBatch) => boolean) => batches.ready?.(fits)?.revision
    const watch = batches[Symbol.asyncIterator]()
    expect(ready()).toBeUndefined()
    expect(await take(watch, 1)).toEqual([1n])
    for (const revision of [4n, 5n]) hub.publish(commit(revision))
    // History comes first.
    expect(ready()).toBeUndefined()
    expect(await take(watch, 3)).toEqual([2n, 3n, 4n])
    for (const revision of [6n, 7n]) hub.publish(commit(revision))
    expect(ready(({ revision }) => revision > 5n)).toBeUndefined()
    expect([ready(), ready()]).toEqual([5n, 6n])
    expect(await take(watch, 1)).toEqual([7n])
    expect(ready()).toBeUndefined()
    for (const revision of [8n, 9n, 10n, 11n]) hub.publish(commit(revision))
    // Too many: they are read from history.
    expect(ready()).toBeUndefined()
    stop.abort()
    expect((await watch.next()).done).toBe(true)
    hub.publish(commit(12n))
    expect(ready()).toBeUndefined()
  })

  it('forgets watchers that left', async () => {
    const { hub } = hubOn([], 1n)
    const stop = new AbortController()
    const watch = hub.watch('/a', 1n, stop.signal)[Symbol.asyncIterator]()
    const next = watch.next()
    await settle()
    hub.publish(commit(2n))
    await next
    // It reads too slowly, and history must be kept for it.
    for (const revision of [3n, 4n, 5n, 6n]) hub.publish(commit(revision))
    expect(hub.oldestReading).toBe(2n)
    stop.abort()
    expect((await watch.next()).done).toBe(true)
    expect(hub.oldestReading).toBeUndefined()
  })
})
