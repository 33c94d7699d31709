import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openMemoryStore } from '../memory.ts'
import type { Store } from '../store.ts'
import { loadSqlite, single } from './database.ts'
import { openSqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-heads-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let count = 0

/** Some beyond U+FFFF, which JavaScript sorts elsewhere; some whose changes are many. */
const key = fc.constantFrom('/a', '/a/b', '/b', '/b\u{fffd}', '/b\u{1f600}', '/c', '/d')
const commit = fc.uniqueArray(fc.record({ key, kept: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
  selector: c => c.key,
})
const story = fc.array(
  fc.oneof({ weight: 20, arbitrary: commit }, { weight: 1, arbitrary: fc.constant('killed' as const) }),
  {
    maxLength: 60,
  },
)

/** The file as a process leaves it that is killed. */
function copyOf(path: string): string {
  const copy = join(folder, `${count++}`, 'state.db')
  mkdirSync(join(copy, '..'))
  for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end)
  return copy
}

const bare = (values: { key: string; revision: bigint; created: bigint; value: Uint8Array }[]) =>
  values.map(v => [v.key, v.revision, v.created, Buffer.from(v.value).toString()])

/** Everything that can be asked of the store at each of its revisions. */
async function told(store: Store, keys: readonly string[]): Promise<unknown> {
  const newest = await store.revision()
  const then = async (at: bigint) => {
    const pages: unknown[] = []
    for (let after: string | undefined; ; ) {
      const { entries, remaining } = await store.list('/', { at, limit: 2, ...(after ? { after } : {}) })
      pages.push([bare(entries), remaining])
      if (entries.length < 2) break
      after = entries.at(-1)!.key
    }
    const values = await Promise.all(keys.map(k => store.get(k, at)))
    return [at, pages, bare(values.filter(v => v !== undefined))]
  }
  const all: unknown[] = []
  for (let at = 1n; at <= newest; at++) all.push(await then(at))
  const changes = await Promise.all(
    keys.map(async k =>
      (await store.changes(k)).map(c => [c.revision, c.created, c.value && Buffer.from(c.value).toString()]),
    ),
  )
  return [newest, all, changes, bare((await store.list('')).entries)]
}

describe('the table of heads, behind the log', () => {
  it('leaves the present and every past as a store without one tells them, also after kills', async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.constantFrom(0, 3, 1000), async (steps, headsBehind) => {
        const memory = await openMemoryStore()
        let path = join(folder, `${count++}`, 'state.db')
        const open = () => openSqliteStore({ path, reserveBytes: 0, headsBehind, check: 'never' })
        let store = await open()
        let n = 0
        for (const step of steps) {
          if (step === 'killed') {
            const copy = copyOf(path)
            await store[Symbol.asyncDispose]()
            path = copy
            store = await open()
            continue
          }
          const changes = () =>
            step.map(c => ({ key: c.key, value: c.kept ? Buffer.from(`${n} ${c.key}`) : undefined }))
          n++
          expect(await store.commit(changes(), new Map())).toBe(await memory.commit(changes(), new Map()))
        }
        const keys = ['/a', '/a/b', '/b', '/b\u{fffd}', '/b\u{1f600}', '/c', '/d']
        expect(await told(store, keys)).toEqual(await told(memory, keys))
        await store[Symbol.asyncDispose]()
        await memory[Symbol.asyncDispose]()
      }),
      { numRuns: 25 },
    )
  })

  it('is whole after a clean stop, and leads each key to its last change', async () => {
    const path = join(folder, `${count++}`, 'state.db')
    const store = await openSqliteStore({ path, reserveBytes: 0 })
    for (let i = 0; i < 30; i++)
      await store.commit([{ key: `/${i % 7}`, value: i % 5 ? Buffer.from(`${i}`) : undefined }], new Map())
    const open = await loadSqlite()
    const look = (sql: string) => {
      const database = open(path)
      const found = single(database, sql)
      database.close()
      return found
    }
    expect(look('SELECT count(*) FROM heads')).toBe(0)
    await store[Symbol.asyncDispose]()
    expect(look(`SELECT value FROM meta WHERE name = 'filed'`)).toBe(look('SELECT max(position) FROM log'))
    expect(
      look(`SELECT count(*) FROM heads h WHERE position = (SELECT max(position) FROM log l WHERE l.key = h.key)
        AND changes = (SELECT count(*) FROM log l WHERE l.key = h.key)`),
    ).toBe(7)
  })
})
