import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { AuditLog, type AuditLogOptions } from './audit-log.ts'

let folder: string
let clock: VirtualClock
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-audit-'))
  clock = new VirtualClock(Date.parse('2026-01-01T00:00:00Z'))
})
afterEach(() => rm(folder, { recursive: true }))

const logOf = (options: Partial<AuditLogOptions> = {}) =>
  new AuditLog({
    ...{ path: join(folder, 'audit.log'), maxBytes: 100, maxAgeMs: 0, maxBackups: 0, disk: systemDisk, clock },
    ...options,
  })
const line = (n: number) => JSON.stringify({ n, text: 'x'.repeat(40) })

test('lines go to a file for its owner, which is put aside when it is full; the oldest are removed', async () => {
  const log = logOf({ maxBackups: 2 })
  for (let n = 0; n < 9; n++) {
    log.write(line(n))
    await log.flushed()
    await clock.advance(1000)
  }
  await log[Symbol.asyncDispose]()
  const names = (await readdir(folder)).sort()
  expect(names).toEqual(['audit-2026-01-01T00-00-07.000.log', 'audit-2026-01-01T00-00-08.000.log', 'audit.log'])
  const texts = await Promise.all(names.map(name => readFile(join(folder, name), 'utf8')))
  expect(texts).toEqual([6, 7, 8].map(n => `${line(n)}\n`))
  expect((await stat(join(folder, 'audit.log'))).mode & 0o777).toBe(0o600)
})

test('old files go by their age, and those of others stay', async () => {
  await systemDisk.write(join(folder, 'audit-notes.log'), 'mine')
  const log = logOf({ maxAgeMs: 5_000 })
  for (let n = 0; n < 4; n++) {
    log.write(line(n))
    await log.flushed()
    await clock.advance(4_000)
  }
  await log[Symbol.asyncDispose]()
  expect((await readdir(folder)).sort()).toEqual([
    ...['audit-2026-01-01T00-00-08.000.log', 'audit-2026-01-01T00-00-12.000.log', 'audit-notes.log', 'audit.log'],
  ])
})

test('what is there already is continued', async () => {
  for (const n of [0, 1]) {
    const log = logOf({ maxBytes: 10_000 })
    log.write(line(n))
    await log[Symbol.asyncDispose]()
  }
  expect(await readFile(join(folder, 'audit.log'), 'utf8')).toBe(`${line(0)}\n${line(1)}\n`)
})

test('a disk that fails loses events, which are counted, and is used again as soon as it works', async () => {
  let full = false
  const disk: Disk = {
    ...systemDisk,
    async open(path, flags) {
      const file = await systemDisk.open(path, flags)
      return {
        ...file,
        write: data => (full ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) : file.write(data)),
      }
    },
  }
  const log = logOf({ maxBytes: 10_000, disk })
  const lost: number[] = []
  log.onLost = events => lost.push(events)
  const write = async (n: number) => {
    log.write(line(n))
    await log.flushed()
  }
  await write(0)
  full = true
  await write(1)
  await write(2)
  full = false
  await write(3)
  await log[Symbol.asyncDispose]()
  expect(lost).toEqual([1, 1])
  expect(await readFile(join(folder, 'audit.log'), 'utf8')).toBe(`${line(0)}\n${line(3)}\n`)
})

test('a disk that hangs makes nobody wait: what is too much is counted as lost', async () => {
  let release = () => {}
  const hanging = new Promise<void>(resolve => (release = resolve))
  const disk: Disk = { ...systemDisk, exists: path => hanging.then(() => systemDisk.exists(path)) }
  const log = logOf({ maxBytes: 2 ** 30, disk })
  let lost = 0
  log.onLost = events => (lost += events)
  const large = JSON.stringify('y'.repeat(8 << 20))
  for (let n = 0; n < 5; n++) log.write(large)
  expect(lost).toBe(2)
  release()
  await log[Symbol.asyncDispose]()
  expect((await stat(join(folder, 'audit.log'))).size).toBe(3 * (large.length + 1))
})
