import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { storeConformance } from '../conformance/index.ts'
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-store-'))
let count = 0
afterAll(() => rmSync(folder, { recursive: true }))

// Heads are filed again and again, where the usual store has everything in the log alone for thousands of changes.
storeConformance(
  'sqlite, heads filed often',
  clock => openSqliteStore({ path: join(folder, `${count++}`, 'store.db'), clock, bufferedEvents: 64, headsBehind: 3 }),
  { swept: store => (store as SqliteStore).swept() },
)
