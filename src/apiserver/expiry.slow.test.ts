import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openMemoryStore, openSqliteStore } from '../db/index.ts'
import { expiryRules } from './testing/expiry-rules.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-expiry-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0

expiryRules('memory', () => openMemoryStore())
expiryRules('SQLite', () => openSqliteStore({ path: join(folder, `${files++}.db`) }))
