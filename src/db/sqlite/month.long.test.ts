import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { Day } from './testing/month.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-month-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** DAYS=60 for more; more than three, since history is full after two. */
const days = Number(process.env['DAYS'] ?? 21)
/** Pages that the write-ahead log may have before it is moved, four times: see log-size.slow.test.ts. */
const mostLogBytes = 500 * 4096 * 4
/** What garbage and the allocator make of a process that keeps nothing. */
const chanceBytes = 48 << 20

async function live(path: string): Promise<Day[]> {
  const script = fileURLToPath(new URL('./testing/month.ts', import.meta.url))
  const args = ['--expose-gc', '--import', 'tsx', script, path, `${days}`]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', chunk => {
    out += chunk
  })
  const code = await new Promise(resolve => child.on('close', resolve))
  expect(code).toBe(0)
  return out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

describe('a store that is up for weeks', () => {
  it('has a file, a log, a history and a memory that stay as large as after a few days', async () => {
    const all = await live(join(folder, 'state.db'))
    expect(all.length).toBe(days)
    // The day on which the first history has gone is where nothing grows any more.
    const [full, ...later] = all.slice(2)
    const most = (of: (day: Day) => number) => Math.max(...later.map(of))
    const share = (of: (day: Day) => number) => most(of) / of(full!)
    const logBytes = (day: Day) => day.files['state.db-wal'] ?? 0
    const memory = (some: Day[]) => some.map(d => d.memory).sort((a, b) => a - b)[some.length >> 1]!
    const grownBytes = memory(later.slice(-5)) - memory(later.slice(0, 5))
    console.log(
      `${days} days: file ${mib(full!.files['state.db']!)} MiB on the third, at most ${mib(most(d => d.files['state.db']!))} later; ` +
        `log at most ${mib(most(logBytes))} MiB; ${full!.kept} revisions kept, at most ${most(d => d.kept)}; memory grew by ${mib(grownBytes)} MiB`,
    )
    expect(share(d => d.files['state.db']!)).toBeLessThan(1.2)
    expect(share(d => d.used)).toBeLessThan(1.1)
    expect(share(d => d.kept)).toBeLessThan(1.1)
    expect(most(logBytes)).toBeLessThan(mostLogBytes)
    expect(new Set(later.flatMap(d => Object.keys(d.files)))).toEqual(new Set(Object.keys(full!.files)))
    expect(grownBytes).toBeLessThan(chanceBytes)
  })
})

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
