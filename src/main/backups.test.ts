import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { Keyring, openMemoryStore, openSqliteStore, SealedStore, writeBackup } from '../db/index.ts'
import { loadBackup, saveBackup, scheduleBackups } from './backups.ts'
import { KeysMissing, restore } from './restore.ts'
import { keyFileOf, sqlitePathOf } from './store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-backups-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const clock = new VirtualClock()

it('regular backups are written for their owner, and the oldest go', async () => {
  const store = await openMemoryStore()
  const stop = new AbortController()
  const plan = { folder: join(folder, 'regular'), everyMs: 3600_000, keep: 2, secret: undefined }
  scheduleBackups({ plan, store, clock, disk: systemDisk, log: silentLogger, signal: stop.signal })
  const names = () => readdirSync(plan.folder).sort()
  await systemDisk.makeFolder(plan.folder)
  writeFileSync(join(plan.folder, 'mine.txt'), '')
  const newest = () => names().findLast(n => n.endsWith('.backup'))
  for (let i = 0; i < 4; i++) {
    await store.commit([{ key: `/k/${i}`, value: new Uint8Array([i]) }], new Map())
    // The disk takes its real time, so the clock goes in small steps.
    for (const before = newest(); newest() === before; ) await clock.advance(600_000)
  }
  while (names().length > 3) await clock.advance(1)
  stop.abort()
  expect(names()).toHaveLength(3)
  expect(names()[2]).toBe('mine.txt')
  expect(statSync(join(plan.folder, newest()!)).mode & 0o777).toBe(0o600)
  expect((await loadBackup(systemDisk, join(plan.folder, newest()!), undefined)).entries).toHaveLength(4)
})

it('a backup with Secrets is restored only where their keys are, or with them inside', async () => {
  const inner = await openMemoryStore()
  const keyring = await Keyring.open(join(folder, 'old.keys'), systemDisk)
  const store = new SealedStore(inner, keyring, ['/registry/core/secrets/'])
  const key = '/registry/core/secrets/default/s'
  await store.commit([{ key, value: new Uint8Array(Buffer.from('secret')) }], new Map())
  const path = join(folder, 'a.backup')
  const outside = { clock, disk: systemDisk }
  const plain = await saveBackup(systemDisk, path, writeBackup(inner, { clock }), undefined)
  const target = { outside, force: false, withoutKeys: false }
  await expect(restore({ ...target, backup: plain, dataDir: join(folder, 'new') })).rejects.toBeInstanceOf(KeysMissing)

  const secret = { passphrase: 'x' }
  await saveBackup(systemDisk, path, writeBackup(inner, { clock, keys: keyring.text() }), secret)
  const backup = await loadBackup(systemDisk, path, secret)
  await clock.advance(24 * 3600_000)
  const dataDir = join(folder, 'new')
  const { revision } = await restore({ ...target, backup, dataDir })
  expect(revision).toBe((await store.revision()) + 86_400_000n)
  const restored = await openSqliteStore({ path: sqlitePathOf(dataDir) })
  const opened = new SealedStore(restored, await Keyring.open(keyFileOf(dataDir), systemDisk), [
    '/registry/core/secrets/',
  ])
  await opened.check()
  expect(Buffer.from((await opened.get(key))!.value).toString()).toBe('secret')
  await opened[Symbol.asyncDispose]()
})
