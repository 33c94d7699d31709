import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from './logger.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-log-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a log that has become too large is put aside, and the one put aside before goes', async () => {
  const file = join(folder, 'logs/optiflow.log')
  const log = createLogger('info', file, 1000)
  const text = (path: string) => readFile(path, 'utf8').catch(() => '')
  for (let n = 1; n <= 40; n++) {
    log.info({ n }, 'said')
    await vi.waitFor(async () => expect((await text(`${file}.old`)) + (await text(file))).toContain(`"n":${n},`))
  }
  await vi.waitFor(async () =>
    expect((await readdir(join(folder, 'logs'))).sort()).toEqual(['optiflow.log', 'optiflow.log.old']),
  )
  expect(await text(`${file}.old`)).not.toContain('"n":1,')
  for (const path of [file, `${file}.old`]) {
    const { size, mode } = await stat(path)
    expect(size).toBeLessThan(1100)
    expect(mode & 0o777).toBe(0o640)
  }
})
