import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { storeConformance } from '../conformance/index.ts'
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-store-'))
let count = 0
afterAll(() => rmSync(folder, { recursive: true }))

// Beside the usual one, which has everything in the log alone, one whose table of heads is filed again and again.
for (const [name, options] of Object.entries({
  sqlite: {},
  'sqlite, heads filed often': { headsBehind: 3 },
}))
  storeConformance(
    name,
    clock => openSqliteStore({ path: join(folder, `${count++}`, 'store.db'), clock, bufferedEvents: 64, ...options }),
    { swept: store => (store as SqliteStore).swept() },
  )
