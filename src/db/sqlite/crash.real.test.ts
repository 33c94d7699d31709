import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type StoreEvent, StoreLocked } from '../store.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { type Acknowledged, load } from './testing/loaded.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a process with the store open', () => {
  it('loses nothing acknowledged when killed with -9 under load, again and again', async () => {
    const path = join(folder, 'killed.db')
    const all: Acknowledged[] = []
    let newest = 0n
    for (let round = 0; round < 3; round++) {
      const writer = await load(path, round)
      await writer.atLeast(700 + 400 * round)
      if (round === 0) {
        const failure = await openSqliteStore({ path }).catch(e => e)
        expect(failure).toBeInstanceOf(StoreLocked)
        expect(failure.message).toContain(`process ${writer.pid}`)
      }
      writer.kill()
      await writer.ended
      all.push(...writer.acknowledged())

      const store = await openSqliteStore({ path })
      const revision = await store.revision()
      const log = new Map<string, StoreEvent>()
      if (revision > 0n) {
        const stop = new AbortController()
        for await (const batch of store.watch('', 0n, stop.signal)) {
          for (const event of batch.events) log.set(`${event.key} ${event.revision}`, event)
          if (batch.revision === revision) break
        }
      }
      const lost = all.filter(a => {
        const value = log.get(`${a.key} ${a.revision}`)?.value
        return !value || Buffer.from(value).toString().split(' ')[0] !== a.value
      })
      expect(lost).toEqual([])
      expect(new Set([...log.values()].map(e => e.revision)).size).toBe(log.size)
      const next = await store.commit([{ key: '/after', value: Buffer.from(`${round}`) }], new Map())
      expect(next).toBeGreaterThan(revision)
      expect(next).toBeGreaterThan(newest)
      newest = next
      await store[Symbol.asyncDispose]()
    }
    expect(all.length).toBeGreaterThan(3000)
  }, 240_000)

  it('ends by itself once the store is disposed', async () => {
    const writer = await load(join(folder, 'disposed.db'), 0, 100)
    expect(await writer.ended).toBe(0)
    expect(writer.lines().at(-1)).toBe('disposed')
  }, 120_000)
})
