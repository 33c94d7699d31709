import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Revision, StoreBatch } from '../store.ts'
import { CommitQueue } from './commit-queue.ts'
import { loadSqlite } from './database.ts'
import { Durable } from './durable.ts'
import { Packer } from './packing.ts'
import type { CommitGroup, Committed, ThreadOptions } from './protocol.ts'
import { HistoryReader } from './reader.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { Syncer } from './syncer.ts'
import type { Thread } from './thread.ts'
import { Writer } from './writer.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'optiflow-durable-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function puts(...keys: string[]): CommitGroup {
  const packer = new Packer()
  for (const key of keys) {
    packer.number(0)
    packer.number(1)
    packer.text(key)
    packer.value(new Uint8Array(3))
    packer.text('')
    packer.value(undefined)
  }
  const { numbers, bytes, keys: texts } = packer.finish()
  return { type: 'commit', commits: keys.length, keys: texts, numbers, bytes, now: 5000 }
}

async function threads() {
  const options: ThreadOptions = {
    ...{ role: 'writer', path: join(folder, 'state.db'), checkpointPages: 1000, check: 'never' },
    durable: new Durable().memory,
    headsBehind: 10,
    looksOut: false,
  }
  const open = await loadSqlite()
  const { writer } = Writer.open(open, options)
  const reader = new HistoryReader(open, options)
  return {
    writer,
    reader,
    durable: new Durable(options.durable),
    [Symbol.dispose]: () => [reader, writer].map(t => t.close()),
  }
}

describe('what is written and not yet on the disk', () => {
  it('is not read, listed, counted or told as the newest', async () => {
    using on = await threads()
    const { writer, reader, durable } = on
    writer.commit([puts('/a')])
    writer.sync()
    writer.commit([puts('/a', '/b')])
    const list = () => reader.list({ from: '/', to: undefined, limit: 0, at: undefined, count: true })
    expect({ written: writer.revision, durable: durable.revision, usage: writer.usage().revision }).toEqual({
      ...{ written: 3, durable: 1, usage: 1 },
    })
    expect(list()).toMatchObject({ keys: ['/a'], revision: 1 })
    expect(reader.get('/a', undefined)?.revision).toBe(1)
    expect(reader.get('/b', undefined)).toBeUndefined()
    expect(reader.history('/', undefined, 0, 9).through).toBe(1)
    expect(reader.changes('/a', 0, undefined).keys).toHaveLength(1)
    expect(reader.revisionAt(9000)).toBe(1)
    expect(() => reader.get('/a', 2)).toThrow('future')
    expect(() => writer.compact(2)).toThrow('future')
    writer.sync()
    expect(list()).toMatchObject({ keys: ['/a', '/b'], revision: 3 })
  })

  it('fails, and all that comes after it, when the disk does not take it', async () => {
    using on = await threads()
    const { writer, reader, durable } = on
    writer.commit([puts('/a')])
    writer.sync()
    const results = writer.commit([puts('/b', '/c')])
    let fails = true
    const disk = {
      sync: () => {
        if (fails) throw new Error('EIO: i/o error, fdatasync')
      },
      close: () => {},
    }
    const syncer = new Syncer(disk, durable)
    const written = { committed: { type: 'committed', first: 1, results }, revision: 3 } as const
    const told = syncer.make([{ ...written, committed: { ...written.committed, results } }])
    const failure = { reason: 'failed', message: 'EIO: i/o error, fdatasync' }
    const failed = { commits: 2, numbers: new Float64Array([-1, -1]), failures: [failure, failure] }
    expect(told).toEqual([{ type: 'committed', first: 1, results: [failed] }])
    // A disk that says later that all is well has forgotten what it did not take.
    fails = false
    expect(syncer.make([{ committed: { type: 'committed', first: 2, results }, revision: 4 }])[0]!.results).toEqual([
      failed,
    ])
    expect(writer.commit([puts('/d')])[0]!.failures[0]).toMatchObject({ reason: 'failed' })
    expect(() => writer.sync()).toThrow()
    expect(durable.revision).toBe(1)
    expect(reader.get('/b', undefined)).toBeUndefined()
    expect(reader.get('/a', undefined)?.revision).toBe(1)
  })
})

describe('groups whose durability two threads tell', () => {
  it('are handed back in the order in which they were sent', async () => {
    const published: Revision[] = []
    const writer = { send: () => {} } as unknown as Thread
    const queue = new CommitQueue({
      clock: new VirtualClock(),
      writer,
      toError: () => new Error(),
      onSent: () => {},
      overlapped: () => false,
      looksOut: false,
      onMany: () => {},
      publish: (batch: StoreBatch) => published.push(batch.revision),
    })
    const done: Revision[] = []
    for (const key of ['/a', '/b', '/c']) {
      void queue.commit([{ key, value: new Uint8Array(1) }], new Map()).then(r => done.push(r))
      await new Promise(resolve => setImmediate(resolve))
      await new Promise(resolve => setImmediate(resolve))
    }
    const told = (first: number): Committed => ({
      type: 'committed',
      first,
      results: [{ commits: 1, numbers: new Float64Array([first + 1, first + 1]), failures: [] }],
    })
    queue.committed(told(2))
    queue.committed(told(1))
    expect(published).toEqual([])
    queue.committed(told(0))
    await queue.drain()
    expect(published).toEqual([1n, 2n, 3n])
    await Promise.resolve()
    expect(done).toEqual([1n, 2n, 3n])
  })
})

describe('a store that many commit to at once', () => {
  it('syncs beside the writing, reads what was acknowledged, and closes with everything on the disk', async () => {
    const path = join(folder, 'state.db')
    const store = await openSqliteStore({ path, reserveBytes: 0 })
    const value = (n: number) => new Uint8Array(Buffer.from(`${n}`))
    for (let n = 0; !store.overlapped; n++)
      await Promise.all(
        Array.from({ length: 40 }, (_, i) => store.commit([{ key: `/w/${i}`, value: value(n) }], new Map())),
      )
    const wrong: string[] = []
    await Promise.all(
      Array.from({ length: 80 }, async (_, i) => {
        for (let n = 0; n < 5; n++) {
          const revision = await store.commit([{ key: `/k/${i}`, value: value(n) }], new Map())
          const read = await store.get(`/k/${i}`)
          if (read?.revision !== revision || Buffer.from(read.value).toString() !== `${n}`) wrong.push(`/k/${i} ${n}`)
        }
      }),
    )
    expect(wrong).toEqual([])
    const newest = await store.revision()
    await store[Symbol.asyncDispose]()
    await using again = await openSqliteStore({ path, reserveBytes: 0 })
    expect(await again.revision()).toBe(newest)
    expect((await again.list('/k/')).entries.length).toBe(80)
  })
})
