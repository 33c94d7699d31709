import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { storeConformance } from '../conformance/index.ts'
import { openSqliteStore, type SqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-store-'))
let count = 0
afterAll(() => rmSync(folder, { recursive: true }))

// Beside the usual one, whose table of heads is behind the log: see sqlite-store.real.test.ts.
storeConformance(
  'sqlite',
  clock => openSqliteStore({ path: join(folder, `${count++}`, 'store.db'), clock, bufferedEvents: 64 }),
  { swept: store => (store as SqliteStore).swept() },
)
