import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepWithin } from './appended-log.ts'
import { systemDisk } from './disk.ts'

test('a log begins anew while its program goes on writing, and what it said is kept once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-appended-'))
  const path = join(folder, 'a.log')
  const file = openSync(path, 'a')
  const look = () => keepWithin(systemDisk, path, 10)
  const texts = () => [path, `${path}.old`].map(p => readFileSync(p, 'utf8'))
  try {
    await look()
    writeSync(file, '0123456789')
    await look()
    expect(readFileSync(path, 'utf8')).toBe('0123456789')
    writeSync(file, 'x')
    await look()
    expect(texts()).toEqual(['', '123456789x'])
    writeSync(file, 'goes on')
    await look()
    expect(texts()).toEqual(['goes on', '123456789x'])
    await keepWithin(systemDisk, join(folder, 'none.log'), 10)
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true, force: true })
  }
})
