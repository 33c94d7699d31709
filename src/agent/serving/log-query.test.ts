import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { journalArguments, queriedLogs, readLogQuery } from './log-query.ts'

const read = (text: string) => readLogQuery(new URLSearchParams(text))

describe('what is asked of the logs of services', () => {
  it('is read, or nothing of the sort is asked', () => {
    expect(read('')).toBeUndefined()
    expect(read('other=1')).toBeUndefined()
    expect(read('query=containerd&query=ssh&tailLines=5&boot=-1&pattern=fail&sinceTime=2026-01-02T03:04:05Z')).toEqual({
      services: ['containerd', 'ssh'],
      tailLines: 5,
      boot: -1,
      pattern: 'fail',
      sinceMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    })
    expect(read('query=/apt\\history.log')).toEqual({ services: [], file: '/apt/history.log' })
  })

  it.each([
    ['query=%20', 400, 'query cannot be empty'],
    ['tailLines=5', 406, 'cannot be empty with options'],
    ['query=a&tailLines=many', 400, 'tailLines: Invalid value: "many"'],
    ['query=a&tailLines=100001', 406, 'must be between 0 and 100000, inclusive'],
    ['query=a&boot=1', 406, 'boot: Invalid value: 1: must be less than 1'],
    ['query=a&sinceTime=yesterday', 400, 'sinceTime: Invalid value: "yesterday": invalid time format'],
    ['query=a&sinceTime=2026-01-02T00:00:00Z&untilTime=2026-01-01T00:00:00Z', 406, 'must be after `sinceTime`'],
    ['query=a;rm', 406, 'input contains unsupported characters'],
    ['query=--file=x', 406, 'input contains unsupported characters'],
    ['query=a&query=b&query=c&query=d&query=e', 406, 'must have at most 4 items'],
    ['query=a&query=/b', 406, 'cannot specify a file and service'],
    ['query=/a&query=/b', 406, 'cannot specify more than one file'],
    ['query=/a&tailLines=1', 406, 'cannot specify file with options'],
  ])('%s is refused', (text, status, message) => {
    let error: { status?: number; message?: string } = {}
    try {
      read(text)
    } catch (caught) {
      error = caught as Error
    }
    expect({ status: error.status, message: error.message }).toEqual({
      status,
      message: expect.stringContaining(message),
    })
  })

  it('is handed to journalctl word for word', () => {
    const query = read('query=a&tailLines=5&boot=0&pattern=x y&untilTime=2026-01-02T03:04:05Z')!
    expect(journalArguments(query, ['a', 'b'])).toEqual([
      ...['--utc', '--no-pager', '--output=short-precise', '--until=2026-01-02 03:04:05.000 UTC', '--lines=5'],
      ...['--unit=a', '--unit=b', '--grep=x y', '--boot=0'],
    ])
    expect(journalArguments({ services: ['a'] }, ['a'])).toContain('--lines=100000')
  })
})

describe('logs of services', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'optiflow-logs-'))
    await mkdir(join(folder, 'web'))
    await writeFile(join(folder, 'web/web.log'), 'in a folder\n')
    await writeFile(join(folder, 'job.log'), 'beside\n')
  })
  afterAll(() => rm(folder, { recursive: true }))

  const journal = {
    run: async (_: string, args: readonly string[]) => ({
      code: 0,
      stdout: args[0] === '--field' ? 'init.scope\nssh.service\n' : `journal of ${args.at(-1)}\n`,
      stderr: '',
    }),
  } as unknown as Commands
  const none = { run: async () => Promise.reject(new Error('not installed')) } as unknown as Commands

  async function text(asked: string, commands = journal): Promise<string> {
    let all = ''
    for await (const piece of queriedLogs({ disk: systemDisk, commands }, read(asked)!, folder))
      all += Buffer.from(piece).toString()
    return all
  }

  it('come from the journal where it knows the service, else from its file', async () => {
    expect(await text('query=web&query=ssh&query=job&query=gone')).toBe(
      'journal of --unit=ssh\nin a folder\nbeside\n\nlog not found for gone\n',
    )
    expect(await text('query=ssh', none)).toBe('\nlog not found for ssh\n')
  })

  it('are not searched in files, which is said', async () => {
    expect(await text('query=ssh&query=job&tailLines=1')).toBe(
      'journal of --unit=ssh\n\noptions present and query resolved to log files for [job]\ntry without specifying options\n',
    )
  })
})
