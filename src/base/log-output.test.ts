import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const logger = new URL('./logger.ts', import.meta.url).href

/** A process of its own whose log is that file, and that ends at once. @returns what it printed */
async function run(file: string, lines: number): Promise<string> {
  const program = `
    const { createLogger } = await import(${JSON.stringify(logger)})
    const log = createLogger('info', ${JSON.stringify(file)})
    for (let n = 1; n <= ${lines}; n++) log.info({ n }, 'said')
    console.log('ending')
    process.exit()`
  const args = ['--import', 'tsx', '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  return stdout
}

test('a process whose log has no room on its disk ends when it is asked to', async () => {
  expect(await run('/dev/full', 3)).toBe('ending\n')
}, 90_000)

test('what was said last is written when the process ends', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'optiflow-log-'))
  try {
    await run(join(folder, 'a.log'), 100)
    const lines = (await readFile(join(folder, 'a.log'), 'utf8')).trim().split('\n')
    expect(lines.map(line => JSON.parse(line).n)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
  } finally {
    await rm(folder, { recursive: true })
  }
}, 90_000)
