import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { storeConformance } from '../conformance/index.ts'
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-store-'))
let count = 0
afterAll(() => rmSync(folder, { recursive: true }))

// Beside the usual one with everything in the log alone one whose table of heads is never behind, and one that always is a little.
for (const [name, options] of Object.entries({
  sqlite: {},
  'sqlite, heads at once': { headsBehind: 0 },
  'sqlite, heads now and then': { headsBehind: 5 },
}))
  storeConformance(
    name,
    clock => openSqliteStore({ path: join(folder, `${count++}`, 'store.db'), clock, bufferedEvents: 64, ...options }),
    { swept: store => (store as SqliteStore).swept() },
  )
