import { expect, test } from 'vitest'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { refuseWhileRunning, runningCluster } from './run-file.ts'

const bootedAtMs = Date.parse('2026-03-01T12:00:00Z')
const clock = { now: () => bootedAtMs + 60_000 } as unknown as Clock

const ask = (startedAt: string, command: string | undefined) => {
  const files: Record<string, string | undefined> = {
    '/data/run.json': JSON.stringify({ pid: process.pid, startedAt, url: 'https://a' }),
    [`/proc/${process.pid}/cmdline`]: command,
    '/proc/uptime': '60.00 100.00\n',
  }
  const readText = async (path: string) =>
    files[path] ?? Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }))
  return runningCluster({ readText } as unknown as Disk, clock, '/data')
}

test('a cluster runs from a folder when its process lives, is ours and began since the machine did', async () => {
  expect(await ask('2026-03-01T12:00:30Z', 'node\0optiflow\0up')).toMatchObject({ url: 'https://a' })
  expect(await ask('2026-03-01T12:00:30Z', 'bash')).toBeUndefined()
  expect(await ask('2026-03-01T11:00:00Z', 'node\0optiflow\0up')).toBeUndefined()
})

const foreign = process.ppid

function refuse(files: Record<string, string>) {
  const there: Record<string, string> = { [`/proc/${foreign}/cmdline`]: 'node\0optiflow\0up', ...files }
  const readText = async (path: string) =>
    there[path] ?? Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }))
  return refuseWhileRunning({ readText } as unknown as Disk, clock, '/data', 'it would be disturbed')
}

test('work on a data folder is refused while a cluster or a server runs from it, with who it is and what to do', async () => {
  const run = { pid: foreign, startedAt: '2026-03-01T12:00:30Z', url: 'https://a' }
  await expect(refuse({ '/data/run.json': JSON.stringify(run) })).rejects.toMatchObject({
    message: `a cluster runs from /data: process ${foreign} at https://a; it would be disturbed`,
    hint: 'End it first: optiflow down',
  })
  await expect(refuse({ '/data/run/server.json': JSON.stringify({ part: 'server', pid: foreign }) })).rejects.toThrow(
    `a server runs from /data: process ${foreign}; it would be disturbed`,
  )
  await refuse({ '/data/run/agent.json': JSON.stringify({ part: 'agent', pid: foreign }) })
  await refuse({ '/data/run.json': JSON.stringify({ ...run, pid: process.pid }) })
  await refuse({})
})
