import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSqlite } from './database.ts'
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts'

const checkpointPages = 200
/** At half as many pages more a commit moves them itself; a group on its way, and one that is too long, may come on top. */
const mostBytes = checkpointPages * 4096 * 4
const rounds = 25
const together = 40

let folder: string
let store: SqliteStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'optiflow-log-'))
  store = await openSqliteStore({ path: join(folder, 'state.db'), checkpointPages, bufferedEvents: 8, reserveBytes: 0 })
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Writes some 6 MB, and reads `beside` them; how long the write-ahead log became. */
async function longest(beside: () => Promise<unknown> = async () => {}): Promise<number> {
  let most = 0
  for (let round = 0; round < rounds; round++) {
    const value = new Uint8Array(randomBytes(4000))
    await Promise.all(Array.from({ length: together }, (_, i) => store.commit([{ key: `/k/${i}`, value }], new Map())))
    await beside()
    most = Math.max(most, statSync(join(folder, 'state.db-wal')).size)
  }
  return most
}

describe('the write-ahead log', () => {
  it('stays short beside readers of the past and of pages, and a watcher that hardly reads', async () => {
    const stop = new AbortController()
    const watch = store.watch('', 0n, stop.signal)[Symbol.asyncIterator]()
    let after = ''
    const read = async () => {
      const page = await store.list('/k/', { limit: 3, after })
      after = page.remaining > 0 ? page.entries.at(-1)!.key : ''
      await store.list('/k/', { at: 1n })
      await watch.next()
    }
    expect(await longest(read)).toBeLessThan(mostBytes)
    stop.abort()
  })

  it('would grow with each commit behind one who kept a snapshot of SQLite open', async () => {
    await store.commit([{ key: '/first', value: new Uint8Array(1) }], new Map())
    const reader = (await loadSqlite())(join(folder, 'state.db'), { readOnly: true })
    reader.exec('BEGIN; SELECT max(position) FROM log')
    expect(await longest()).toBeGreaterThan(mostBytes)
    reader.close()
  })
})
