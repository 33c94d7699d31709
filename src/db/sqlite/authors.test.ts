import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fewAuthors } from './authors.ts'
import { loadSqlite } from './database.ts'
import { openSqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-authors-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the names of authors', () => {
  it('go with the last change that has them, once there are many', async () => {
    const path = join(folder, 'state.db')
    const store = await openSqliteStore({ path, reserveBytes: 0 })
    const by = (i: number) =>
      store.commit([{ key: '/a', value: new Uint8Array([i]) }], new Map(), { user: `user-${i}`, request: '' })
    await store.commit([{ key: '/b', value: new Uint8Array(1) }], new Map(), { user: 'early', request: '' })
    await Promise.all(Array.from({ length: fewAuthors }, (_, i) => by(i)))
    // The newest change of all is never swept, and so not what it replaced.
    await store.commit([{ key: '/c', value: new Uint8Array(1) }], new Map())
    await store.compact(await store.revision())
    await store.swept()
    await by(1)
    expect((await store.changes('/a')).map(c => c.author?.user)).toEqual(['user-1', `user-${fewAuthors - 1}`])
    expect((await store.changes('/b')).map(c => c.author?.user)).toEqual(['early'])
    await store[Symbol.asyncDispose]()
    const names = (await loadSqlite())(path, { readOnly: true }).prepare('SELECT name FROM authors ORDER BY name').all()
    expect(names.map(row => (row as { name: string }).name)).toEqual(['early', 'user-1', `user-${fewAuthors - 1}`])
  })
})
